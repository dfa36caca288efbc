"""Settles a rehearsed call: what follows for its recipient, by the domain's own settlement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from outdial.domain.call.callback_effects import CallFacts, decide_effects
from outdial.domain.call.plan import CallPlan
from outdial.domain.call.settlement import (
    Close,
    Following,
    NextAttempt,
    Settling,
    follow,
    numbers_after,
)
from outdial.domain.call.status import (
    NOBODY_REACHED,
    OPTED_OUT,
    OUTCOME_CANCELED,
    CallStatus,
    FailureClass,
    outcome_of,
)
from outdial.domain.decision.decision import Candidate, Ledger, Never
from outdial.domain.decision.planner import decide
from outdial.domain.decision.reasons import Reason
from outdial.domain.line.routing import Moved, moved_after
from outdial.domain.record import RecipientState
from outdial.domain.rules.rulebook import Rulebook
from outdial.rehearsal.engine import CallReport, ReservedCall
from outdial.rehearsal.roster import Person

_NO_LEDGER = Ledger()


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a call's end led to."""

    outcome: str
    following: Following
    suppress: str | None
    """Why the person's numbers are suppressed, if they are."""


class Settler:
    """Settles the calls of one campaign."""

    def __init__(self, plan: CallPlan, rulebook: Rulebook) -> None:
        self._plan = plan
        self._rulebook = rulebook
        self._shares = plan.shares

    def settle(
        self,
        person: Person,
        call: ReservedCall,
        report: CallReport,
        *,
        suppressed: str | None,
        now: datetime,
    ) -> Settlement:
        """Settle a call, and give its recipient the next attempt or the end. `suppressed`: why the
        number that was called must not be called again."""
        outcome = outcome_of(
            report.status,
            answered_by=report.answered_by,
            failure=report.failure,
            disposition=report.disposition,
        )
        if report.may_have_rung:
            person.attempts += 1
        moved = self._moved(person, call, report)
        settling = Settling(
            outcome=outcome,
            counts_as_attempt=report.may_have_rung,
            earlier_outcomes=person.outcomes,
            zones=person.zones.candidates,
            ended_at=report.at,
            redial_at=report.redial_at,
            lines_left=moved.left,
            other_numbers=len(person.others),
            seed=str(person.id),
        )
        following = follow(settling, self._plan.retry)
        if outcome == OUTCOME_CANCELED and suppressed is not None:
            reason = Reason("suppressed", f"stopped, the number must not be called: {suppressed}")
            following = NextAttempt(report.at, reason)
        following, suppress = self._after_callbacks(settling, report, following)
        following = self._close_if_never_callable(person, following, now)
        if isinstance(following, Close) and following.suppress is not None:
            suppress = following.suppress
        elif report.disposition == OPTED_OUT and report.answered_by not in NOBODY_REACHED:
            suppress = "opted out in a call"
        if report.may_have_rung:
            person.outcomes = (*person.outcomes, outcome)
        _apply(person, outcome, following, moved)
        return Settlement(outcome, following, suppress)

    def _moved(self, person: Person, call: ReservedCall, report: CallReport) -> Moved:
        failure = None
        if report.status is CallStatus.FAILED:
            failure = report.failure or FailureClass.UNAVAILABLE
        return moved_after(
            self._shares,
            person.marks,
            call.line,
            failure,
            may_have_rung=report.may_have_rung,
        )

    def _after_callbacks(
        self, settling: Settling, report: CallReport, following: Following
    ) -> tuple[Following, str | None]:
        """What follows once redials and suppressions are applied, and why numbers are suppressed.
        Other callbacks touch other systems, and change nothing here."""
        if not self._plan.callbacks:
            return following, None
        made = len(settling.earlier_outcomes) + (1 if settling.counts_as_attempt else 0)
        facts = CallFacts(
            outcome=settling.outcome,
            disposition=report.disposition,
            attempt=max(made, 1),
            answered_by=report.answered_by,
            data={},
            zones=settling.zones,
            ended_at=settling.ended_at,
            redial_at=settling.redial_at,
            attempts_made=made,
            max_attempts=self._plan.retry.max_attempts,
        )
        effects = decide_effects(self._plan.callbacks, facts, following)
        return effects.following, next(iter(effects.suppress), None)

    def _close_if_never_callable(
        self, person: Person, following: Following, now: datetime
    ) -> Following:
        """End the recipient if no calling window opens before the campaign's end."""
        if isinstance(following, Close) or self._plan.schedule.end is None:
            return following
        again = Candidate(
            zones=person.zones.candidates,
            jurisdictions=person.zones.jurisdictions,
            attempts=person.attempts,
            not_before=following.not_before,
            consent=person.consent,
            promised=following.promised,
        )
        decision = decide(again, self._plan, _NO_LEDGER, now, self._rulebook, evidence=False)
        return Close(decision.reason) if isinstance(decision, Never) else following


def _apply(person: Person, outcome: str, following: Following, moved: Moved) -> None:
    person.outcome = outcome
    person.reason = following.reason.text
    if isinstance(following, Close):
        person.state = RecipientState.DONE
        return
    person.state = RecipientState.WAITING
    person.not_before = person.due_at = following.not_before
    person.promised = following.promised
    person.turn = 0
    numbers = numbers_after(person.phone, person.others, following)
    if numbers is None:
        person.marks = moved.marks
    else:
        person.phone, others = numbers
        person.others = tuple(others)
        person.marks = {}
