"""Canaries: what may be tried on some recipients first, and how that goes."""

from __future__ import annotations

from collections.abc import Sequence

from outdial.domain.canary.arms import LARGEST_SHARE, SMALLEST_SHARE, not_comparable
from outdial.domain.canary.record import CanaryRecord
from outdial.domain.definition.differences import Difference
from outdial.domain.record import CampaignRecord
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import DefinitionInvalid
from outdial.resources.resources import Resources
from outdial.services.errors import NotFound, RequestRefused
from outdial.services.operations.reading import require_campaign
from outdial.store.campaign import canaries


def require_share(share: float) -> None:
    """Raises RequestRefused for a share of the recipients that is too small or too large."""
    if not SMALLEST_SHARE <= share <= LARGEST_SHARE:
        raise RequestRefused(
            f"found a canary of {share * 100:g}%; write {SMALLEST_SHARE:.0%} to {LARGEST_SHARE:.0%}"
        )


def require_comparable(loaded: LoadedDefinition, differing: Sequence[Difference]) -> None:
    """Raises DefinitionInvalid with each key that can't be changed for some recipients alone."""
    problems = [
        loaded.source_map.problem(
            tuple(each.path.partition("[")[0].split(".")),
            "not_in_a_canary",
            f"found {each.after or 'nothing'} for {each.path}, which concerns all recipients of a "
            "campaign; apply it without a canary",
        )
        for each in not_comparable(differing)
    ]
    if problems:
        raise DefinitionInvalid(problems)


async def find_running(ctx: Resources, record: CampaignRecord) -> CanaryRecord | None:
    return await ctx.database.read(lambda s: canaries.find_running(s, record.id))


async def read_canary(ctx: Resources, name: str) -> CanaryRecord:
    """A campaign's last canary, running or ended. Raises NoSuchCampaign, NotFound."""
    record = await require_campaign(ctx, name)
    newest = await ctx.database.read(lambda s: canaries.find_newest(s, record.id))
    if newest is None:
        raise NotFound("canary of campaign", name)
    return newest
