"""What a definition would change of a campaign that was launched before: key by key, and for how
many waiting recipients."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from outdial.domain.call.plan import CallPlan
from outdial.domain.call.status import CallStatus
from outdial.domain.decision.decision import Decision, Dial, Ledger, Never
from outdial.domain.decision.planner import decide
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.differences import Difference, Effect, differences
from outdial.domain.money.amount import Money
from outdial.domain.money.price import LinePrice
from outdial.domain.money.spending import PersonBudget
from outdial.domain.record import CampaignRecord
from outdial.domain.rules.rulebook import Rulebook
from outdial.resources.resources import Resources
from outdial.services.campaigns.plan_input import LaunchedCampaign, PlanInput
from outdial.services.operations.reading import record_with_progress
from outdial.store.budget.claiming import prices_of
from outdial.store.budget.holds import used_by_people
from outdial.store.claims.candidates import Recipient
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
    """Of each changed key that decides when waiting recipients are called."""
    waiting: int = 0
    added: int = 0
    """Rows of people who are new."""
    missing: int = 0
    """Recipients, not done yet, that no row is about."""
    in_flight: int = 0
    """Calls under way: they run out as they were claimed."""
    queued: int = 0
    """Those of them that are re-evaluated before they are placed."""


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
    prices = {line.name: line.price for line in given.rehearsal.lines}
    effects, waiting = await _effects(ctx, before, new, differing, start, prices)
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
    prices: Mapping[str, LinePrice | None],
) -> tuple[tuple[KeyEffect, ...], int]:
    """The effect of each changed key on waiting recipients, and how many these are. `prices` are
    those of the definition's lines."""
    record, present = before.record, before.definition
    rulebook = await ctx.database.read(lambda s: read_rulebook(s, ctx.tenant, now))
    names = [share.name for share in record.plan.shares]
    stored = await ctx.database.read(lambda s: prices_of(s, record.tenant, names))
    priced = {**stored, **prices}
    current = _Version.of(record.plan, priced)
    changed = {
        key: _Version.of(CallPlan.of(present.model_copy(update={key: getattr(new, key)})), priced)
        for key in _keys(differing)
    }
    versions = (current, *changed.values())
    currencies = {each.limit.currency for each in versions if each.limit is not None}
    effects = {key: KeyEffect(key) for key in changed}
    waiting, after = 0, FROM_THE_START
    while True:

        def read(s: Session, after: int = after) -> _Page:
            return _read_page(s, record, after, now, currencies)

        page = await ctx.database.read(read)
        if page.last is None:
            return tuple(effects.values()), waiting
        waiting, after = waiting + len(page.waiting), page.last
        for effect in await asyncio.to_thread(_compared, current, changed, page, rulebook, now):
            effects[effect.key] += effect


@dataclass(frozen=True, slots=True)
class _Page:
    """Some of the waiting recipients."""

    waiting: list[WaitingRecipient]
    used: Mapping[str, Mapping[int, int]]
    """What their calls have used of a budget, by its currency and by recipient."""
    last: int | None
    """The last position that was read; None: there are no more."""


def _read_page(
    s: Session, record: CampaignRecord, after: int, now: datetime, currencies: Collection[str]
) -> _Page:
    waiting, last = read_waiting(s, record, after, now)
    called = [one.id for one, _ in waiting if one.calls]
    used = {currency: used_by_people(s, called, currency) for currency in currencies}
    return _Page(waiting, used, last)


@dataclass(frozen=True, slots=True)
class _Version:
    """A plan by which waiting recipients are decided about."""

    plan: CallPlan
    highest: int
    """The most that one of its calls can cost, in millionths."""

    @classmethod
    def of(cls, plan: CallPlan, prices: Mapping[str, LinePrice | None]) -> _Version:
        configured = [
            price for share in plan.shares if (price := prices.get(share.name)) is not None
        ]
        highest = max((price.highest(plan.max_duration) for price in configured), default=0)
        return cls(plan, highest)

    @property
    def limit(self) -> Money | None:
        """What the calls to one recipient may cost."""
        return None if self.plan.budget is None else self.plan.budget.per_person

    def callable_from(
        self, page: _Page, rulebook: Rulebook, now: datetime
    ) -> list[datetime | None]:
        """When each recipient of a page may be called; None: never."""
        return [
            _callable_from(
                decide(one.candidate, self.plan, self._ledger(one, ledger, page), now, rulebook),
                now,
            )
            for one, ledger in page.waiting
        ]

    def _ledger(self, one: Recipient, ledger: Ledger, page: _Page) -> Ledger:
        if self.limit is None:
            return ledger
        used = page.used[self.limit.currency].get(one.id, 0)
        return replace(ledger, budget=PersonBudget(self.limit, used, self.highest))


def _keys(differing: Iterable[Difference]) -> list[str]:
    """Keys at the top of the definition that decide when waiting recipients are called."""
    paths = (each.path for each in differing if each.effect is Effect.REQUEUE)
    return list(dict.fromkeys(match[0] for path in paths if (match := _TOP.match(path))))


def _compared(
    current: _Version,
    changed: Mapping[str, _Version],
    page: _Page,
    rulebook: Rulebook,
    now: datetime,
) -> list[KeyEffect]:
    """The effect of each key on the recipients of a page."""
    before = current.callable_from(page, rulebook, now)
    return [
        _effect(key, before, version.callable_from(page, rulebook, now))
        for key, version in changed.items()
    ]


def _effect(
    key: str, before_change: Iterable[datetime | None], with_change: Iterable[datetime | None]
) -> KeyEffect:
    sooner = later = canceled = restored = same = 0
    for before, after in zip(before_change, with_change, strict=True):
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
