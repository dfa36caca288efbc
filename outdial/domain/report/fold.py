"""Adds up the rows of a launch, a recipient with its calls at a time, in bounded memory."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from outdial.domain.call.status import OUTCOME_CANCELED, AnsweredBy, CallStatus
from outdial.domain.record import RecipientState
from outdial.domain.report.facts import DialEvidence, ReportedCall, ReportedPerson
from outdial.domain.report.rate import Rate
from outdial.domain.report.report import (
    Answers,
    AttemptHour,
    CallbackFigures,
    CampaignReport,
    ComplianceSummary,
    Costs,
    Funnel,
    Hour,
    LaunchHeader,
    Named,
    OutcomeFigures,
    Refusal,
    Waiting,
)
from outdial.domain.report.tally import HOUR, Group, Groups, Names, Prices, Seconds, local_hour

LAST_ATTEMPT = 10
"""Later ones are counted with the tenth."""
UNKNOWN_ZONE = "unknown"
LINES_OWN = "the line's own"
"""Of caller ids: the line shows its own."""
UNSETTLED = "unsettled"
"""In place of the outcome of a call that has ended, and whose analysis is awaited."""
_OF_HEADER = {"lines", "simulated", "revisions", "head", "recipients", "calls"}
"""What a report does not take from its header as it is."""
_MOST_REASONS = 50
_OTHER_REASONS = "other reasons"


class ReportFold:
    """Adds up a launch. `right` are the outcomes that count as right; None: `facts.NOT_RIGHT`."""

    def __init__(self, header: LaunchHeader, right: frozenset[str] | None = None) -> None:
        self._header = header
        self._right = right
        self._revision_starts = [since for since, _ in header.revisions]
        self.people = 0
        self._funnel: Counter[str] = Counter()
        self._all = Group()
        self._calls: Counter[str] = Counter()
        self._by_hour: Counter[tuple[int, int]] = Counter()
        self._reached_by_hour: Counter[tuple[int, int]] = Counter()
        self._timeline: dict[str, Counter[int]] = {
            name: Counter() for name in ("attempts", "by_person", "first_reached")
        }
        self._groups = {
            name: Groups() for name in ("zone", "line", "agent", "caller_id", "revision")
        }
        self._outcome_names = Names()
        self._outcomes: Counter[str] = Counter()
        self._last_outcomes: Counter[str] = Counter()
        self._outcome_prices: dict[str, Prices] = {}
        self._computed = Prices()
        self._lines: set[str] = set()
        self._talk, self._ring = Seconds(), Seconds()
        self._span: tuple[datetime, datetime] | None = None
        self._waiting = _Reasons()
        self._refusals = _Reasons()
        self._callbacks: Counter[tuple[str, str]] = Counter()
        self._bookings: Counter[str] = Counter()
        self._compliance = _Dials()

    def add(self, people: Iterable[ReportedPerson]) -> None:
        for person in people:
            self._add_person(person)

    def _add_person(self, person: ReportedPerson) -> None:
        self.people += 1
        attempted = reached = right = False
        for call in person.calls:
            is_right = self._add_call(person, call)
            attempted |= call.is_attempt
            if call.by_person and not reached:
                reached = True
                self._note_hour("first_reached", call.answered_at or call.placed_at)
            right |= is_right
        done = person.state is RecipientState.DONE
        refused = done and not person.calls and person.outcome != OUTCOME_CANCELED
        for name, through in (
            ("callable", not refused),
            ("attempted", attempted),
            ("reached", reached),
            ("right", right),
        ):
            self._funnel[name] += through
        if done:
            self._last_outcomes[self._outcome_names.of(person.outcome or UNSETTLED)] += 1
        else:
            waits = person.state is RecipientState.WAITING
            self._waiting.add(person.state.value, person.reason if waits else None)
        if refused:
            self._refusals.add(person.outcome or UNSETTLED, person.reason)

    def _add_call(self, person: ReportedPerson, call: ReportedCall) -> bool:
        """Whether it came to a right outcome."""
        right = call.is_right(self._right)
        outcome = self._outcome_names.of(call.outcome or UNSETTLED)
        self._all.add(call, right=right, outcome=outcome)
        for property_name, value in (
            ("zone", person.zone or UNKNOWN_ZONE),
            ("line", call.line),
            ("agent", call.agent),
            ("caller_id", call.caller_id or LINES_OWN),
            ("revision", str(self._revision_of(call))),
        ):
            self._groups[property_name].add(value, call, right=right, outcome=outcome)
        self._lines.add(call.line)
        self._calls["dialed"] += call.dialed
        if call.cost is None:
            self._computed.add(call.computed_cost)
        self._compliance.add(call)
        self._callbacks.update(call.callbacks)
        self._bookings.update(call.bookings)
        if call.status.terminal:
            self._outcomes[outcome] += 1
            self._outcome_prices.setdefault(outcome, Prices()).add(call.price)
        if not call.is_attempt:
            self._calls["never_rang" if call.status.terminal else "in_flight"] += 1
            return right
        self._add_attempt(call, person.zone)
        return right

    def _add_attempt(self, call: ReportedCall, zone: str | None) -> None:
        self._calls["without_price"] += call.price is None
        self._calls["answered_without_price"] += call.answered and call.price is None
        if call.answered:
            unconfirmed = call.by_person and call.answered_by is not AnsweredBy.HUMAN
            self._calls["unconfirmed"] += unconfirmed
            if call.answered_at is not None and call.placed_at is not None:
                self._ring.add((call.answered_at - call.placed_at).total_seconds())
        else:
            self._calls[call.status.value] += 1
        if call.by_person and call.duration_seconds is not None:
            self._talk.add(call.duration_seconds)
        at = call.placed_at or call.created_at
        self._widen(at, call.ended_at or at)
        self._note_hour("attempts", at)
        if call.by_person:
            self._note_hour("by_person", at)
        if zone is not None:
            cell = min(call.attempt, LAST_ATTEMPT), local_hour(zone, at)
            self._by_hour[cell] += 1
            self._reached_by_hour[cell] += call.by_person

    def _revision_of(self, call: ReportedCall) -> int:
        if call.revision is not None:
            return call.revision
        place = bisect_right(self._revision_starts, call.created_at)
        return self._header.revisions[max(0, place - 1)][1] if self._revision_starts else 0

    def _note_hour(self, what: str, at: datetime | None) -> None:
        if at is not None:
            self._timeline[what][int(at.timestamp() // HOUR)] += 1

    def _widen(self, begun: datetime, ended: datetime) -> None:
        first, last = self._span or (begun, ended)
        self._span = min(first, begun), max(last, ended)

    # --- the report -----------------------------------------------------------------------------

    def report(self, made_at: datetime) -> CampaignReport:
        """What has been added up."""
        header = self._header
        first, last = self._span or (None, None)
        lines = sorted(self._lines) or header.lines
        return CampaignReport(
            **header.model_dump(exclude=_OF_HEADER),
            lines=lines,
            simulated=[line for line in lines if line in header.simulated],
            first_call_at=first,
            last_call_at=last,
            made_at=made_at,
            right_outcomes=None if self._right is None else sorted(self._right),
            funnel=self._funnel_figures(),
            answers=self._answers(),
            attempts_by_hour=[
                AttemptHour(
                    attempt=attempt,
                    hour=hour,
                    answered_by_person=Rate.of_counts(self._reached_by_hour[attempt, hour], count),
                )
                for (attempt, hour), count in sorted(self._by_hour.items())
            ],
            zones=self._groups["zone"].figures(),
            lines_used=self._groups["line"].figures(),
            agents=self._groups["agent"].figures(),
            caller_ids=self._groups["caller_id"].figures(),
            revisions=self._groups["revision"].figures(),
            outcomes=self._outcome_figures(),
            hours=self._hours(),
            talk=self._talk.durations(),
            ring=self._ring.durations(),
            costs=self._costs(),
            waiting=[
                Waiting(state=state, reason=reason, people=people)
                for (state, reason), people in self._waiting.most()
            ],
            callbacks=[
                CallbackFigures(kind=kind, state=state, callbacks=count)
                for (kind, state), count in sorted(self._callbacks.items())
            ],
            bookings=_named(self._bookings),
            compliance=self._compliance.summary(header.head, self._refusals),
        )

    def _funnel_figures(self) -> Funnel:
        counts = self._funnel
        return Funnel(
            enrolled=self.people,
            callable=Rate.of_counts(counts["callable"], self.people),
            attempted=Rate.of_counts(counts["attempted"], counts["callable"]),
            answered_by_person=Rate.of_counts(counts["reached"], counts["attempted"]),
            right_outcome=Rate.of_counts(counts["right"], counts["reached"]),
        )

    def _answers(self) -> Answers:
        attempts, calls = self._all.attempts, self._calls
        return Answers(
            attempts=attempts,
            answered_by_person=Rate.of_counts(self._all.by_person, attempts),
            person_not_confirmed=calls["unconfirmed"],
            voicemail=Rate.of_counts(self._all.voicemail, attempts),
            screened=Rate.of_counts(self._all.screened, attempts),
            no_answer=calls[CallStatus.NO_ANSWER.value],
            busy=calls[CallStatus.BUSY.value],
            failed=calls[CallStatus.FAILED.value],
            canceled=calls[CallStatus.CANCELED.value],
            never_rang=calls["never_rang"],
            in_flight=calls["in_flight"],
            dialed=calls["dialed"],
        )

    def _outcome_figures(self) -> list[OutcomeFigures]:
        names = sorted(
            self._outcomes.keys() | self._last_outcomes.keys(),
            key=lambda name: (-self._outcomes[name], -self._last_outcomes[name], name),
        )
        none = Prices()
        figures = []
        for name in names:
            prices = self._outcome_prices.get(name, none)
            figures.append(
                OutcomeFigures(
                    outcome=name,
                    calls=self._outcomes[name],
                    people=self._last_outcomes[name],
                    cost_millionths=prices.sum,
                    cost_per_call_millionths=prices.per(prices.calls),
                )
            )
        return figures

    def _hours(self) -> list[Hour]:
        line = self._timeline
        return [
            Hour(
                at=datetime.fromtimestamp(hour * HOUR, UTC),
                attempts=line["attempts"][hour],
                answered_by_person=line["by_person"][hour],
                first_reached=line["first_reached"][hour],
            )
            for hour in sorted(line["attempts"].keys() | line["first_reached"].keys())
        ]

    def _costs(self) -> Costs:
        prices = self._all.prices
        return Costs(
            total_millionths=prices.sum,
            calls_with_price=prices.calls,
            computed_calls=self._computed.calls,
            computed_millionths=self._computed.sum,
            attempts_without_price=self._calls["without_price"],
            answered_without_price=self._calls["answered_without_price"],
            per_attempt_millionths=prices.per(self._all.attempts),
            per_person_reached_millionths=prices.per(self._funnel["reached"]),
            per_right_outcome_millionths=prices.per(self._funnel["right"]),
        )


class _Reasons:
    """People by a code and a reason. Of a reason only what comes before its first semicolon: what
    follows is about one person, such as the time on their clock."""

    def __init__(self) -> None:
        self._names = Names(_MOST_REASONS, _OTHER_REASONS)
        self._counts: Counter[tuple[str, str | None]] = Counter()

    def add(self, code: str, reason: str | None) -> None:
        general = (reason or "").partition(";")[0] or None
        self._counts[code, general if general is None else self._names.of(general)] += 1

    def most(self) -> list[tuple[tuple[str, str | None], int]]:
        return sorted(self._counts.items(), key=lambda one: (-one[1], one[0][0], one[0][1] or ""))


class _Dials:
    """What the receipts of dials say."""

    def __init__(self) -> None:
        self._receipts = self._without = 0
        self._rules: Counter[str] = Counter()
        self._versions: Counter[str] = Counter()
        self._sources: Counter[str] = Counter()
        self._aside: Counter[str] = Counter()

    def add(self, call: ReportedCall) -> None:
        evidence: DialEvidence | None = call.evidence
        if evidence is None:
            self._without += call.dialed
            return
        self._receipts += 1
        self._rules.update(evidence.rules)
        self._versions[evidence.rules_version] += 1
        self._sources[evidence.zone_source] += 1
        self._aside.update(evidence.accepted_risks)

    def summary(self, head: str | None, refusals: _Reasons) -> ComplianceSummary:
        return ComplianceSummary(
            receipts=self._receipts,
            without_receipt=self._without,
            head=head,
            rules=_named(self._rules),
            rules_versions=_named(self._versions),
            zone_sources=_named(self._sources),
            set_aside=_named(self._aside),
            refusals=[
                Refusal(code=code, reason=reason or "", people=people)
                for (code, reason), people in refusals.most()
            ],
        )


def _named(counts: Counter[str]) -> list[Named]:
    """The most first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Named(name=name, count=count) for name, count in ordered]
