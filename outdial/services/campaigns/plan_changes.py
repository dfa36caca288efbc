"""What a definition would change of a campaign that was launched before: key by key, and for how
many of those who wait."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from outdial.domain.call.plan import CallPlan
from outdial.domain.call.status import CallStatus
from outdial.domain.decision.decision import Decision, Dial, Never
from outdial.domain.decision.planner import decide
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.differences import Difference, Effect, differences
from outdial.domain.record import CampaignRecord
from outdial.domain.rules.rulebook import Rulebook
from outdial.resources.resources import Resources
from outdial.services.campaigns.plan_input import LaunchedCampaign, PlanInput
from outdial.services.operations.reading import record_with_progress
from outdial.store.compliance.rulings import read_rulebook
from outdial.store.roster import merging
from outdial.store.roster.open_recipients import WaitingRecipient, read_waiting
from outdial.store.roster.requeue import FROM_THE_START

_TOP = re.compile(r"[^.\[]+")


@dataclass(frozen=True, slots=True)
class KeyEffect:
    """What a changed key alone does to the recipients who wait."""

    key: str
    """At the top of the definition, such as `schedule`."""
    sooner: int = 0
    later: int = 0
    canceled: int = 0
    """May be called as it is, and never with the change."""
    restored: int = 0
    """Would never be called as it is, and may be with the change."""
    same: int = 0

    def __add__(self, other: KeyEffect) -> KeyEffect:
        return KeyEffect(
            self.key,
            self.sooner + other.sooner,
            self.later + other.later,
            self.canceled + other.canceled,
            self.restored + other.restored,
            self.same + other.same,
        )


@dataclass(frozen=True, slots=True)
class PlannedChanges:
    """What applying a definition would change. Of a campaign that is over, a new launch begins
    with everybody, so that nobody is moved."""

    campaign: CampaignRecord
    differences: tuple[Difference, ...]
    effects: tuple[KeyEffect, ...] = ()
    """Of each changed key by which those who wait are decided about."""
    waiting: int = 0
    added: int = 0
    """Rows of people who are new."""
    missing: int = 0
    """Recipients, not done yet, that no row is about."""
    in_flight: int = 0
    """Calls under way: they run out as they were claimed."""
    queued: int = 0
    """Those of them that are decided about again before they are placed."""


async def plan_changes(ctx: Resources, given: PlanInput) -> PlannedChanges | None:
    """What a definition would change of the campaign of its name; None: there is none."""
    before = given.before
    if before is None:
        return None
    record, new = before.record, given.loaded.definition
    differing = differences(before.definition, new)
    if record.state.over:
        return PlannedChanges(record, differing)
    _, progress = await record_with_progress(ctx, record.name)
    start = given.rehearsal.start
    effects, waiting = await _effects(ctx, before, new, differing, start)
    drafts, enrolled = given.rehearsal.drafts, given.rehearsal.enrolled
    listed = frozenset(draft.phone for draft in drafts)
    return PlannedChanges(
        record,
        differing,
        effects,
        waiting,
        added=sum(each.position not in enrolled and each.refusal is None for each in drafts),
        missing=await _missing(ctx, record, listed),
        in_flight=progress.in_flight,
        queued=progress.calls.get(CallStatus.QUEUED.value, 0),
    )


async def _effects(
    ctx: Resources,
    before: LaunchedCampaign,
    new: CampaignDefinition,
    differing: Iterable[Difference],
    now: datetime,
) -> tuple[tuple[KeyEffect, ...], int]:
    """The effect of each changed key on those who wait, and how many these are."""
    record, present = before.record, before.definition
    rulebook = await ctx.database.read(lambda s: read_rulebook(s, ctx.tenant, now))
    plans = {
        key: CallPlan.of(present.model_copy(update={key: getattr(new, key)}))
        for key in _keys(differing)
    }
    effects = {key: KeyEffect(key) for key in plans}
    waiting, after = 0, FROM_THE_START
    while True:
        some, last = await ctx.database.read(
            lambda s, after=after: read_waiting(s, record, after, now)  # type: ignore[misc]
        )
        if last is None:
            return tuple(effects.values()), waiting
        waiting, after = waiting + len(some), last
        for key, plan in plans.items():
            effects[key] += _compared(key, record.plan, plan, some, rulebook, now)


def _keys(differing: Iterable[Difference]) -> list[str]:
    """Keys at the top of the definition by which those who wait are decided about."""
    paths = (each.path for each in differing if each.effect is Effect.REQUEUE)
    return list(dict.fromkeys(match[0] for path in paths if (match := _TOP.match(path))))


def _compared(
    key: str,
    present: CallPlan,
    new: CallPlan,
    waiting: Iterable[WaitingRecipient],
    rulebook: Rulebook,
    now: datetime,
) -> KeyEffect:
    sooner = later = canceled = restored = same = 0
    for one, ledger in waiting:
        before = _callable_from(decide(one.candidate, present, ledger, now, rulebook), now)
        after = _callable_from(decide(one.candidate, new, ledger, now, rulebook), now)
        if before == after:
            same += 1
        elif after is None:
            canceled += 1
        elif before is None:
            restored += 1
        else:
            sooner += after < before
            later += after > before
    return KeyEffect(key, sooner, later, canceled, restored, same)


def _callable_from(decision: Decision, now: datetime) -> datetime | None:
    if isinstance(decision, Never):
        return None
    return now if isinstance(decision, Dial) else decision.until


async def _missing(ctx: Resources, record: CampaignRecord, listed: Collection[str]) -> int:
    """Recipients, not done yet, that no row is about."""
    missing = 0
    position: int | None = FROM_THE_START
    while position is not None:
        at = position
        some, position = await ctx.database.read(
            lambda s, at=at: merging.count_unlisted(s, record, listed, at)  # type: ignore[misc]
        )
        missing += some
    return missing
