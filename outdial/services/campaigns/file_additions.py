"""Contact files that a campaign's workflow is told to add, for the activity that does it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

from outdial.contracts.signatures.campaign import AdditionRefused
from outdial.domain.record import CampaignRecord, StagingRecord, StagingState
from outdial.intake.problems import DefinitionInvalid
from outdial.resources.resources import Resources
from outdial.services.campaigns.adding import store_file
from outdial.services.campaigns.staging import move_accepted, remove_refused
from outdial.services.errors import ChangeRefused
from outdial.store.campaign.campaigns import require_campaign
from outdial.store.roster.staging import (
    SUPERSEDED,
    SUPERSEDED_CODE,
    find_staging,
    forestall_addition,
    recorded_among,
    refuse,
)

_READ_AT_ONCE = 100


class FileAdditions:
    """Adds a file once, however often the activity is tried."""

    def __init__(self, ctx: Resources) -> None:
        self._ctx = ctx

    async def __call__(self, campaign_id: int, path: Path, tries: Iterator[str]) -> None:
        """Add the file at `path`, unless an earlier try did. `tries` are the public ids of this try
        and all before it, the newest first. Raises AdditionRefused."""
        record = await self._ctx.database.read(lambda s: require_campaign(s, campaign_id))
        ctx = replace(self._ctx, tenant=record.tenant)
        present = next(tries)
        for public_id in await _undecided(ctx, tries):
            if await _accepted(ctx, record, public_id):
                return
        try:
            await store_file(ctx, record.name, path.name, path.parent, public_id=present)
        except (DefinitionInvalid, ChangeRefused) as error:
            raise AdditionRefused(str(error)) from error


async def _undecided(ctx: Resources, earlier: Iterator[str]) -> list[str]:
    """Those of the earlier tries that may still be accepted, the oldest first: the newest that has
    a record, and those after it. Each try decides about all before it, in their order, before it
    has a record of its own; and is given one in that order by those after it."""
    undecided: list[str] = []
    while some := list(islice(earlier, _READ_AT_ONCE)):
        recorded = await ctx.database.read(partial(recorded_among, public_ids=some))
        for public_id in some:
            undecided.append(public_id)
            if public_id in recorded:
                return undecided[::-1]
    return undecided[::-1]


async def _accepted(ctx: Resources, record: CampaignRecord, public_id: str) -> bool:
    """Whether an earlier try's addition was accepted. What another one wrote is removed, even if
    its process is still alive: that can write no more, nor begin if it has not yet."""
    now = ctx.clock()
    if await ctx.database.write(lambda s: forestall_addition(s, record, public_id, now=now)):
        return False
    before = await ctx.database.read(lambda s: find_staging(s, ctx.tenant, public_id))
    if before is None:  # deleted, a day after its end
        return False
    await ctx.database.write(
        lambda s: refuse(s, before, now=now, error=SUPERSEDED, code=SUPERSEDED_CODE)
    )
    after = await ctx.database.read(lambda s: find_staging(s, ctx.tenant, public_id))
    accepted = _is_accepted(after)
    await (move_accepted if accepted else remove_refused)(ctx, before)
    return accepted


def _is_accepted(record: StagingRecord | None) -> bool:
    return record is not None and record.state in (StagingState.MOVING, StagingState.DONE)
