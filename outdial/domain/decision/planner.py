"""Decides whether a recipient may be called now: one pure function for claim, fence and forecast.

`Dial | Wait(until, reason) | Never(reason)`; `now` is an argument. `until` is the first instant
at which everything admits a call: each condition says from when on it admits one, and they are
applied in turn until none of them moves the instant any more, so their order does not matter.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from outdial.domain.call.plan import CallPlan
from outdial.domain.call.retry import Daypart
from outdial.domain.clocks import load_zone, next_local_day
from outdial.domain.decision.conditions import (
    HORIZON,
    Conditions,
    NeededConsent,
    conditions_of,
    no_rules,
)
from outdial.domain.decision.decision import Candidate, Decision, Dial, Ledger, Never, Wait
from outdial.domain.decision.reasons import Reason, cap_reason, hours_reason, stamp
from outdial.domain.definition.caps import free_at
from outdial.domain.line.routing import rejected_by_all
from outdial.domain.numbers.policy import refusal
from outdial.domain.rules.rule import Rule
from outdial.domain.rules.rulebook import Rulebook, shipped_rulebook

_NEVER = datetime.max.replace(tzinfo=UTC)
_LONGEST_DAY = timedelta(hours=30)
"""No calendar day of any zone is longer."""
_REASONS_KEPT = 256
_ROUNDS = 1000
"""Conditions move an instant a day or more at a time, within a horizon of 400 days."""


def decide(
    candidate: Candidate,
    plan: CallPlan,
    ledger: Ledger,
    now: datetime,
    rulebook: Rulebook | None = None,
    *,
    evidence: bool = True,
) -> Decision:
    """Whether `candidate` may be called at `now` under `plan`, given earlier attempts.

    `rulebook` defaults to the rules that ship. Without `evidence`, a Dial carries none: a rehearsal
    stores no calls.
    """
    rulebook = rulebook or shipped_rulebook()
    stop = _ended(candidate, plan, ledger)
    if stop is not None:
        return Never(stop)
    zones, jurisdictions = candidate.zones, candidate.jurisdictions
    conditions = conditions_of(plan, rulebook, zones, jurisdictions, daypart_of(candidate, plan))
    if conditions.refused is not None:
        return Never(Reason(*conditions.refused))
    return _Search(candidate, plan, ledger, now, conditions).decision(evidence=evidence)


def looks_back(
    candidate: Candidate, plan: CallPlan, rulebook: Rulebook | None = None
) -> timedelta | None:
    """How far back a decision reads the ledger; None: without limit."""
    rulebook = rulebook or shipped_rulebook()
    return conditions_of(
        plan, rulebook, candidate.zones, candidate.jurisdictions, daypart_of(candidate, plan)
    ).looks_back


def _ended(candidate: Candidate, plan: CallPlan, ledger: Ledger) -> Reason | None:
    if not candidate.zones:
        return Reason("timezone_unknown", "no time zone is known for this number any more")
    if candidate.suppressed is not None:
        return Reason("suppressed", f"the number must not be called: {candidate.suppressed}")
    barred = refusal(candidate.destinations)
    if barred is not None:
        return Reason("destination", barred)
    if candidate.attempts >= plan.retry.max_attempts:
        return Reason("max_attempts", f"all {plan.retry.max_attempts} attempts were made")
    if candidate.marks and rejected_by_all(plan.shares, candidate.marks):
        return Reason("rejected", f"{plan.lines_in_words()}: the provider never dials this number")
    too_dear = None if ledger.budget is None else ledger.budget.objection
    if too_dear is not None:
        return Reason("budget_per_person", too_dear)
    return None


def daypart_of(candidate: Candidate, plan: CallPlan) -> Daypart | None:
    """The part of the week in which the next attempt is made; None: any."""
    parts = plan.retry.dayparts
    if not parts or candidate.promised:
        return None
    return parts[candidate.attempts % len(parts)]


class _Search:
    """Searches for the first instant that every condition admits."""

    def __init__(
        self,
        candidate: Candidate,
        plan: CallPlan,
        ledger: Ledger,
        now: datetime,
        conditions: Conditions,
    ) -> None:
        self._candidate = candidate
        self._plan = plan
        self._ledger = ledger
        self._now = now
        self._conditions = conditions
        self._at = now
        self._limit = now + HORIZON + timedelta(days=1)
        self._beyond = self._limit + timedelta(seconds=1)
        self._reason: Reason | None = None
        self._closes_at = now
        self._never: Reason | None = None

    def decision(self, *, evidence: bool) -> Decision:
        for _ in range(_ROUNDS):
            before = self._at
            for step in _STEPS:
                step(self)
                if self._never is not None:
                    return Never(self._never)
            if self._at == before:
                break
            if self._at > self._limit:
                return Never(self._no_opening())
        end = self._plan.schedule.end
        if self._at > self._now:
            return Wait(self._at, self._reason or _DUE)
        closes = self._closes_at if end is None else min(self._closes_at, end)
        return Dial(closes, self._evidence() if evidence else {})

    def _move(self, to: datetime, reason: Callable[[], Reason], *, weak: bool = False) -> None:
        """Move to a later instant. A `weak` reason does not replace one that was there before."""
        if to > self._at:
            if self._reason is None or not weak or self._reason.code == "not_before":
                self._reason = reason()
            # Beyond the limit nothing is computed with: the calendar ends in the year 9999.
            self._at = min(to, self._beyond)

    def _start(self) -> None:
        start, wish = self._plan.schedule.start, self._candidate.not_before
        if start is not None:
            self._move(start, lambda: Reason("not_started", f"the campaign starts {stamp(start)}"))
        if wish is not None:
            self._move(wish, lambda: Reason("not_before", f"not before {stamp(wish)}"))

    def _dated(self) -> None:
        for code, rules in self._conditions.dated:
            begin = [at for rule in rules if (at := rule.in_force_from(self._at)) is not None]
            if not begin:
                self._never = Reason(*(no_rules([code]) or ("no_rules", code)))
                return
            text = f"no telemarketing rules of {code} are in force before {stamp(min(begin))}"
            self._move(min(begin), lambda text=text: Reason("no_rules", text))  # type: ignore[misc]

    def _blocks(self) -> None:
        for block in self._conditions.blocks:
            text = f"{block.jurisdiction} is blocked until {stamp(block.until)}: {block.reason}"
            self._move(block.until, lambda text=text: Reason("blocked", text))  # type: ignore[misc]

    def _consent(self) -> None:
        for needed in self._conditions.consents:
            rule = needed.rule
            if rule is not None and not rule.holds_somewhere_at(self._at):
                continue
            why = f"{rule.id}, {rule.cite}" if rule else "the campaign demands it"
            lacking = self._lacking(needed, why)
            if lacking is not None:
                self._refuse_under(rule, lacking)
                if self._never is not None:
                    return
                continue
            consent = self._candidate.consent
            given = consent.given_at if consent is not None else None
            if given is not None:
                text = f"the consent was given {stamp(given)}, which has not come"
                self._move(given, lambda text=text: Reason("consent_later", text))  # type: ignore[misc]

    def _lacking(self, needed: NeededConsent, why: str) -> Reason | None:
        """Why the person's consent is not sufficient; None when it is."""
        consent = self._candidate.consent
        if consent is None or not consent.covers(needed.level, self._plan.purpose):
            text = f"{needed.level.value} consent is needed and there is none ({why})"
            return Reason("consent_missing", text)
        if consent.expires_at is not None and self._at >= consent.expires_at:
            text = f"the consent expires {stamp(consent.expires_at)} ({why})"
            return Reason("consent_expired", text)
        return None

    def _refuse_under(self, rule: Rule | None, reason: Reason) -> None:
        """Never; or not before the rule ends, if it does within the horizon."""
        ends, last = rule.ends_at if rule else None, self._plan.schedule.end
        if ends is None or ends > self._limit or (last is not None and ends >= last):
            self._never = reason
        else:
            self._move(ends, lambda: reason)

    def _caps(self) -> None:
        for bound in self._conditions.caps:
            rule, cap, ledger = bound.rule, bound.cap, self._ledger
            if rule is not None and not rule.holds_somewhere_at(self._at):
                continue
            made = ledger.towards(cap)
            if len(made) < cap.calls:
                continue
            free = free_at(cap, made, self._at)
            if rule is not None and rule.ends_at is not None:
                free = min(free or _NEVER, rule.ends_at)
            if free is None:
                self._never = cap_reason(cap, rule)
                return
            self._move(free, lambda cap=cap, rule=rule: cap_reason(cap, rule))  # type: ignore[misc]

    def _ceiling(self) -> None:
        ceiling = self._ledger.ceiling
        if ceiling is not None:
            text = (
                f"{len(ceiling.placements)} calls to this number in 24 hours, over all campaigns; "
                f"the ceiling of this installation is {ceiling.calls}"
            )
            self._move(ceiling.free_at(self._at), lambda: Reason("daily_ceiling", text))

    def _day(self) -> None:
        per_day = self._plan.retry.max_attempts_per_day
        if per_day is not None:
            free = _day_with_room(self._candidate.zones, self._ledger, per_day, self._at)
            self._move(
                free, lambda: Reason("max_attempts_per_day", f"{per_day} attempts a day were made")
            )

    def _hours(self) -> None:
        opening = self._conditions.opening(self._at)
        if opening is None:
            self._never = self._no_opening()
            return
        earliest = self._at
        opens, self._closes_at = opening
        self._move(opens, lambda: self._closed(earliest), weak=True)

    def _no_opening(self) -> Reason:
        daypart = self._conditions.evidence.get("daypart")
        where = f" in the {daypart}, which is next in order" if daypart else ""
        why = f"; {self._reason.text}" if self._reason is not None else ""
        text = f"no calling window opens within 400 days{where}{why}"
        return Reason("window_never_opens", text)

    def _closed(self, at: datetime) -> Reason:
        reasons, then = self._conditions.reasons, at > self._now
        reason: Reason | None = reasons.get((at, then))
        if reason is None:
            if len(reasons) >= _REASONS_KEPT:
                reasons.clear()
            reason = reasons[at, then] = hours_reason(
                self._plan.schedule, self._conditions, self._candidate.zones, at, then=then
            )
        return reason

    def _end(self) -> None:
        end = self._plan.schedule.end
        if end is not None and self._at >= end:
            text = f"the next call would be after the end, {stamp(end)}"
            self._never = Reason("campaign_ends_first", text)

    def _evidence(self) -> dict[str, Any]:
        candidate, now = self._candidate, self._now
        evidence = {
            "decided_at": now.isoformat(),
            "local_times": {zone: _local_time(zone, now) for zone in candidate.zones},
            **self._conditions.evidence,
            "attempts": candidate.attempts,
            "ledger": len(self._ledger.attempts),
        }
        if candidate.consent is not None:
            evidence["consent"] = candidate.consent.noted
        return evidence


_STEPS: tuple[Callable[[_Search], None], ...] = (
    _Search._start,
    _Search._blocks,
    _Search._dated,
    _Search._caps,
    _Search._ceiling,
    _Search._day,
    _Search._hours,
    _Search._end,
    _Search._consent,
)
_DUE = Reason("due", "due now")


@lru_cache(maxsize=1024)
def _local_date(zone: str, instant: datetime) -> date:
    return instant.astimezone(load_zone(zone)).date()


@lru_cache(maxsize=1024)
def _local_time(zone: str, instant: datetime) -> str:
    return instant.astimezone(load_zone(zone)).isoformat()


def _day_with_room(
    zones: tuple[str, ...], ledger: Ledger, per_day: int, earliest: datetime
) -> datetime:
    """The first instant whose local day holds fewer than `per_day` attempts, in every zone."""
    since = earliest - _LONGEST_DAY
    recent = [at for at in ledger.attempts if at > since]
    if len(recent) < per_day:
        return earliest
    for zone in zones:
        today = _local_date(zone, earliest)
        if sum(_local_date(zone, at) == today for at in recent) >= per_day:
            return next_local_day(zones, earliest)
    return earliest
