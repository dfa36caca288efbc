"""What somebody who watches campaigns sees at an instant, and what has happened since before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from outdial.domain.record import CallRecord, Progress
from outdial.resources.resources import Resources
from outdial.services.operations.reading import progress, progress_of_newest
from outdial.store.call import calls
from outdial.store.campaign import campaigns
from outdial.store.campaign.progress import progress_of
from outdial.store.claims import leases

CAMPAIGNS = 12
"""Campaigns in the picture: those that are open first, the newest of each first."""
CALLS = 20
"""Calls in flight in the picture."""


@dataclass(frozen=True, slots=True)
class CampaignsView:
    """Campaigns, and the calls in flight of one of them."""

    at: datetime
    campaigns: tuple[Progress, ...]
    more: bool
    """There are other campaigns."""
    selected: Progress | None
    calls: tuple[CallRecord, ...]
    """The first of those in flight of the selected campaign, oldest first."""
    ended: tuple[CallRecord, ...]
    """Calls that were in flight in the view before, and are over."""
    left: tuple[Progress, ...] = ()
    """Campaigns that were in the view before, and for which there is no room any more."""


async def read_view(
    ctx: Resources,
    *,
    only: str | None = None,
    selected: str | None = None,
    before: CampaignsView | None = None,
) -> CampaignsView:
    """The campaigns now, or one of them; of the selected one, by default the first, the calls in
    flight. Raises NoSuchCampaign for one that there is not."""
    at = ctx.clock()  # before what is read: a launch that is not in this view is later than it
    more = False
    if only is not None:
        listed = [await progress(ctx, only)]
    else:
        listed, more = await progress_of_newest(ctx, CAMPAIGNS)
    chosen = next((each for each in listed if each.campaign == selected), None)
    chosen = chosen or next(iter(listed), None)
    earlier = () if before is None else before.calls
    names = () if before is None else tuple(each.campaign for each in before.campaigns)
    gone = [name for name in names if name not in {each.campaign for each in listed}]

    def read(s: Session) -> tuple[list[CallRecord], list[CallRecord], list[Progress]]:
        in_flight = _in_flight(s, ctx.tenant, chosen)
        present = {call.id for call in in_flight}
        over = [call.id for call in earlier if call.id not in present]
        after = [call for call_id in over if (call := calls.get_call(s, call_id)) is not None]
        records = [campaigns.find_campaign(s, ctx.tenant, name) for name in gone]
        left = progress_of(s, [record for record in records if record is not None])
        return in_flight, [call for call in after if call.status.terminal], left

    in_flight, ended, left = await ctx.database.read(read)
    return CampaignsView(
        at, tuple(listed), more, chosen, tuple(in_flight), tuple(ended), tuple(left)
    )


def _in_flight(s: Session, tenant: str, chosen: Progress | None) -> list[CallRecord]:
    record = None if chosen is None else campaigns.find_campaign(s, tenant, chosen.campaign)
    return [] if record is None else leases.calls_in_flight(s, record.id, limit=CALLS)


def changes_of_state(before: CampaignsView, now: CampaignsView) -> Iterator[str]:
    """What has become of campaigns since the view before."""
    states = {each.campaign: each.state for each in before.campaigns}
    for each in (*now.campaigns, *now.left):
        if each.campaign not in states:
            # An older one comes into the picture as soon as there is room for it.
            if each.launched_at > before.at:
                yield f"{each.campaign} was launched"
        elif states[each.campaign] is not each.state:
            yield f"{each.campaign} is {each.state.value}"
