"""Contact files that a campaign's workflow is told to add, for the activity that does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
    refuse,
)


class FileAdditions:
    """Adds a file once, however often the activity is tried."""

    def __init__(self, ctx: Resources) -> None:
        self._ctx = ctx

    async def __call__(self, campaign_id: int, path: Path, tries: Sequence[str]) -> None:
        """Add the file at `path` as the last of `tries`, the public ids of all tries, unless an
        earlier one did. Raises AdditionRefused."""
        record = await self._ctx.database.read(lambda s: require_campaign(s, campaign_id))
        ctx = replace(self._ctx, tenant=record.tenant)
        *earlier, present = tries
        for public_id in earlier:
            if await _accepted(ctx, record, public_id):
                return
        try:
            await store_file(ctx, record.name, path.name, path.parent, public_id=present)
        except (DefinitionInvalid, ChangeRefused) as error:
            raise AdditionRefused(str(error)) from error


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
