"""Queries about campaigns and calls: no side effects, no Temporal."""

from __future__ import annotations

from datetime import datetime
from typing import NoReturn

from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import CallStatus
from outdial.domain.record import DIRECT_CAMPAIGN, CallRecord, CampaignRecord, Progress
from outdial.resources.resources import Resources
from outdial.services.errors import NoSuchCampaign
from outdial.store.call import calls
from outdial.store.campaign import campaigns, listing
from outdial.store.campaign.progress import progress_of
from outdial.store.lines import lines
from outdial.store.lines.lines import LineStatus

PAGE = 1000
"""Calls read in one transaction."""
CAMPAIGNS = 200
"""Campaigns whose figures are read in one transaction."""
NAMES = 10
"""Names of campaigns that are listed to somebody who asks for one that there is not."""


async def require_campaign(ctx: Resources, name: str) -> CampaignRecord:
    """The campaign of that name. Raises NoSuchCampaign."""
    record = await ctx.database.read(lambda s: campaigns.find_campaign(s, ctx.tenant, name))
    return record or await _unknown(ctx, name)


async def _unknown(ctx: Resources, name: str) -> NoReturn:
    names, every = await ctx.database.read(
        lambda s: listing.names_beside(s, ctx.tenant, name, limit=NAMES)
    )
    raise NoSuchCampaign(name, names, every=every)


async def names_beginning(ctx: Resources, beginning: str, limit: int) -> list[str]:
    """Names of campaigns that begin so, in the order of the alphabet."""

    def work(s: Session) -> list[str]:
        same = campaigns.find_campaign(s, ctx.tenant, beginning)
        names, _ = listing.names_beside(s, ctx.tenant, beginning, limit=2 * limit)
        return [beginning] * (same is not None) + names

    names = await ctx.database.read(work)
    return [name for name in names if name.startswith(beginning)][:limit]


async def list_campaigns(
    ctx: Resources,
    *,
    state: CampaignState | None = None,
    limit: int | None = None,
    after: int = 0,
) -> list[CampaignRecord]:
    return await ctx.database.read(
        lambda s: listing.list_campaigns(s, ctx.tenant, state=state, limit=limit, after=after)
    )


async def progress(ctx: Resources, name: str) -> Progress:
    """The campaign's figures at this instant. Raises NoSuchCampaign."""
    return (await record_with_progress(ctx, name))[1]


async def record_with_progress(ctx: Resources, name: str) -> tuple[CampaignRecord, Progress]:
    """A campaign, and its figures at the same instant. Raises NoSuchCampaign."""

    def work(s: Session) -> tuple[CampaignRecord, Progress] | None:
        record = campaigns.find_campaign(s, ctx.tenant, name)
        return None if record is None else (record, progress_of(s, [record])[0])

    return await ctx.database.read(work) or await _unknown(ctx, name)


async def progress_of_newest(ctx: Resources, limit: int | None) -> tuple[list[Progress], bool]:
    """The figures of the newest campaigns, those that are open first; and whether there are more.

    Without a limit, of all of them.
    """
    listed: dict[int, Progress] = {}  # one that ends between two pages is on both of them
    after: CampaignRecord | None = None
    while True:
        size = CAMPAIGNS if limit is None else min(CAMPAIGNS, limit + 1 - len(listed))

        def read(
            s: Session, size: int = size, after: CampaignRecord | None = after
        ) -> tuple[list[CampaignRecord], list[Progress]]:
            records = listing.list_newest(s, ctx.tenant, limit=size, after=after)
            return records, progress_of(s, records)

        records, figures = await ctx.database.read(read)
        for record, progress in zip(records, figures, strict=True):
            listed.setdefault(record.id, progress)
        full = limit is not None and len(listed) > limit
        if len(records) < size or full:
            return list(listed.values())[:limit], full
        after = records[-1]


async def newest_page(
    ctx: Resources, limit: int, *, after: str | None = None
) -> tuple[list[tuple[CampaignRecord, Progress]], bool]:
    """A page of campaigns with their figures, in the order of `progress_of_newest`; and whether
    there are more. `after` is the name of the last one of the page before. Raises NoSuchCampaign.
    """
    last = None if after is None else await require_campaign(ctx, after)

    def work(s: Session) -> tuple[list[tuple[CampaignRecord, Progress]], bool]:
        records = listing.list_newest(s, ctx.tenant, limit=limit + 1, after=last)
        listed = records[:limit]
        return list(zip(listed, progress_of(s, listed), strict=True)), len(records) > limit

    return await ctx.database.read(work)


async def list_lines(ctx: Resources) -> list[LineStatus]:
    """The state of every line that was ever configured."""
    return await ctx.database.read(lambda s: lines.list_lines(s, ctx.tenant))


async def list_calls(
    ctx: Resources, name: str, *, status: CallStatus | None = None, limit: int = PAGE
) -> list[CallRecord]:
    """The calls of a campaign's present launch, at most `limit`. Raises NoSuchCampaign."""
    record = await require_campaign(ctx, name)
    records: list[CallRecord] = []
    while len(records) < limit:
        after = records[-1].id if records else None
        size = min(PAGE, limit - len(records))
        page = await ctx.database.read(
            lambda s, after=after, size=size: calls.list_calls(  # type: ignore[misc]
                s,
                record.id,
                status=status,
                launch=record.launch,
                since=record.launched_at,
                limit=size,
                after=after,
            )
        )
        records += page
        if len(page) < size:
            break
    return records


async def calls_in_flight(ctx: Resources, record: CampaignRecord, limit: int) -> list[CallRecord]:
    """The oldest calls of a campaign's present launch that are not over: those that talk, then
    those that ring, then those that are dialed."""

    def work(s: Session) -> list[CallRecord]:
        listed: list[CallRecord] = []
        for status in (CallStatus.IN_PROGRESS, CallStatus.RINGING, CallStatus.QUEUED):
            if len(listed) < limit:
                listed += calls.list_calls(
                    s,
                    record.id,
                    status=status,
                    launch=record.launch,
                    since=record.launched_at,
                    limit=limit - len(listed),
                )
        return listed

    return await ctx.database.read(work)


async def get_call(ctx: Resources, call_id: str) -> CallRecord | None:
    return await ctx.database.read(lambda s: calls.get_call(s, call_id))


async def find_live_call(ctx: Resources, number: str, since: datetime) -> CallRecord | None:
    """The single call to a number (E.164) that is under way and was made since an instant."""

    def find(s: Session) -> CallRecord | None:
        direct = campaigns.find_campaign(s, ctx.tenant, DIRECT_CAMPAIGN)
        if direct is None:
            return None
        for status in (CallStatus.QUEUED, CallStatus.RINGING, CallStatus.IN_PROGRESS):
            for call in calls.list_calls(s, direct.id, status=status, limit=PAGE):
                if call.to == number and call.created_at >= since:
                    return call
        return None

    return await ctx.database.read(find)
