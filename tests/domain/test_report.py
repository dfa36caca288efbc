"""A report's figures: rates, percentiles, and what a fold adds up."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
import pytz
from hypothesis import given
from hypothesis import strategies as st

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import AnsweredBy, CallStatus
from outdial.domain.intervals import wilson
from outdial.domain.record import RecipientState
from outdial.domain.report.facts import NOT_RIGHT, ReportedCall, ReportedPerson
from outdial.domain.report.fold import LAST_ATTEMPT, ReportFold
from outdial.domain.report.rate import Rate, percentile
from outdial.domain.report.report import CampaignReport, LaunchHeader
from outdial.domain.report.tables import tables_of
from outdial.domain.report.tally import Names
from outdial.domain.report.wording import show_table

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
ZONES = ("America/New_York", "America/Phoenix", "Asia/Kathmandu", "Europe/London")


def header(**changes: object) -> LaunchHeader:
    values: dict[str, object] = {
        "campaign": "reminder",
        "purpose": "informational",
        "state": CampaignState.RUNNING,
        "launch": 1,
        "launches": 1,
        "lines": ["main"],
        "simulated": [],
        "launched_at": NOW,
        "finished_at": None,
        "revisions": ((NOW, 1), (NOW + timedelta(hours=5), 2)),
        "head": None,
        "recipients": 0,
        "calls": 0,
    }
    return LaunchHeader.model_validate(values | changes)


def call(**changes: object) -> ReportedCall:
    values: dict[str, object] = {
        "attempt": 1,
        "line": "main",
        "agent": "agent-1",
        "caller_id": None,
        "status": CallStatus.COMPLETED,
        "outcome": "completed",
        "answered_by": AnsweredBy.HUMAN,
        "is_attempt": True,
        "dialed": True,
        "created_at": NOW,
        "placed_at": NOW,
        "answered_at": NOW + timedelta(seconds=9),
        "ended_at": NOW + timedelta(seconds=60),
        "duration_seconds": 51.0,
        "cost": 0.07,
    }
    return ReportedCall(**(values | changes))  # type: ignore[arg-type]


def person(*calls: ReportedCall, **changes: object) -> ReportedPerson:
    values: dict[str, object] = {
        "zone": ZONES[0],
        "state": RecipientState.DONE,
        "outcome": calls[-1].outcome if calls else None,
        "reason": None,
        "calls": calls,
    }
    return ReportedPerson(**(values | changes))  # type: ignore[arg-type]


def added(people: Sequence[ReportedPerson], right: frozenset[str] | None = None) -> CampaignReport:
    fold = ReportFold(header(), right)
    fold.add(people)
    return fold.report(NOW)


def test_answered_attempts_without_a_price_are_counted() -> None:
    unanswered = call(status=CallStatus.NO_ANSWER, answered_at=None, cost=None)
    costs = added([person(call(), call(cost=None), unanswered)]).costs
    assert (costs.attempts_without_price, costs.answered_without_price) == (2, 1)


# --- rates and percentiles --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    # As published: Newcombe 1998, Statistics in Medicine 17, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_intervals_are_the_published_ones(
    count: int, of: int, low: float, high: float
) -> None:
    assert wilson(count, of) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_an_interval_holds_its_share_and_mirrors(given: tuple[int, int]) -> None:
    count, of = given
    low, high = wilson(count, of)
    assert 0 <= low <= count / of <= high <= 1
    others = wilson(of - count, of)
    assert (1 - others[1], 1 - others[0]) == pytest.approx((low, high))


def test_a_rate_of_nothing_has_no_share() -> None:
    assert Rate.of_counts(0, 0).model_dump() == {
        "count": 0, "of": 0, "share": None, "low": None, "high": None,
    }  # fmt: skip


@given(st.lists(st.integers(0, 500), min_size=1), st.sampled_from((0.1, 0.5, 0.9)))
def test_percentiles_are_of_the_nearest_rank(values: list[int], share: float) -> None:
    rank = max(1, math.ceil(share * len(values)))
    assert percentile(Counter(values), share) == sorted(values)[rank - 1]


# --- the fold ---------------------------------------------------------------------------------

calls = st.builds(
    call,
    attempt=st.integers(1, 13),
    line=st.sampled_from(("main", "spare")),
    agent=st.sampled_from(("agent-1", "agent-2")),
    caller_id=st.none() | st.just("+12125550100"),
    status=st.sampled_from(CallStatus),
    outcome=st.none() | st.sampled_from(("completed", "booked", "opted_out", "busy", "voicemail")),
    answered_by=st.none() | st.sampled_from(AnsweredBy),
    is_attempt=st.booleans(),
    created_at=st.integers(0, 20).map(lambda hours: NOW + timedelta(hours=hours)),
    placed_at=st.none() | st.integers(0, 90).map(lambda half: NOW + timedelta(minutes=30 * half)),
    answered_at=st.none() | st.just(NOW + timedelta(days=2)),
    duration_seconds=st.none() | st.floats(0, 2000),
    cost=st.none() | st.floats(0, 3),
    revision=st.none() | st.integers(1, 3),
).map(lambda made: made._replace(is_attempt=made.is_attempt and made.status.terminal))
people = st.lists(
    st.builds(
        lambda made, **changes: person(*made, **changes),
        st.lists(calls, max_size=4),
        zone=st.sampled_from(ZONES),
        state=st.sampled_from(RecipientState),
        outcome=st.none() | st.sampled_from(("completed", "canceled", "suppressed")),
        reason=st.none() | st.sampled_from(("busy; tried again", "a; 1", "a; 2", "b")),
    ),
    max_size=12,
)


def by_person(one: ReportedCall) -> bool:
    answered = one.status.value == "completed" or one.answered_at is not None
    return one.is_attempt and answered and one.answered_by not in ("machine", "screener")


@given(people)
def test_what_is_added_up_is_what_there_is(roster: list[ReportedPerson]) -> None:
    report = added(roster)
    attempts = [(one, each) for one in roster for each in one.calls if each.is_attempt]
    every = [each for one in roster for each in one.calls]
    answers = report.answers
    assert (
        answers.attempts
        == len(attempts)
        == sum(
            (
                answers.answered_by_person.count,
                answers.voicemail.count,
                answers.screened.count,
                answers.no_answer,
                answers.busy,
                answers.failed,
                answers.canceled,
            )
        )
    )
    assert answers.never_rang + answers.in_flight == len(every) - len(attempts)
    live = [each for _, each in attempts if by_person(each)]
    assert answers.answered_by_person.count == len(live)
    reached = [one for one in roster if any(map(by_person, one.calls))]
    assert report.funnel.answered_by_person.count == len(reached)
    assert sum(hour.first_reached for hour in report.hours) <= len(reached)
    assert sum(hour.attempts for hour in report.hours) == len(attempts)
    for groups in (report.zones, report.lines_used, report.agents, report.caller_ids):
        assert sum(group.attempts for group in groups) == len(attempts)
        assert sum(group.answered_by_person.count for group in groups) == len(live)
    assert {group.name: group.attempts for group in report.revisions} == {
        name: sum(1 for each in every if revision_of(each) == name and each.is_attempt)
        for name in {revision_of(each) for each in every}
    }
    costs = [each.cost for each in every if each.cost is not None]
    total = sum(round(cost * 1_000_000) for cost in costs)
    assert report.costs.total_millionths == (total if costs else None)


def revision_of(one: ReportedCall) -> str:
    if one.revision is not None:
        return str(one.revision)
    return "2" if one.created_at >= NOW + timedelta(hours=5) else "1"


@given(people)
def test_cells_of_the_heat_map_are_hours_of_the_persons_day(roster: list[ReportedPerson]) -> None:
    expected: Counter[tuple[int, int]] = Counter()
    for one in roster:
        for each in one.calls:
            if each.is_attempt:
                at = (each.placed_at or each.created_at).astimezone(pytz.timezone(one.zone or ""))
                expected[min(each.attempt, LAST_ATTEMPT), at.hour] += 1
    cells = added(roster).attempts_by_hour
    assert {(cell.attempt, cell.hour): cell.answered_by_person.of for cell in cells} == expected


@given(people)
def test_the_order_of_pages_makes_no_difference(roster: list[ReportedPerson]) -> None:
    fold = ReportFold(header())
    for one in reversed(roster):
        fold.add([one])
    assert fold.report(NOW) == added(roster)


@given(people)
def test_talk_is_that_of_people(roster: list[ReportedPerson]) -> None:
    talk = added(roster).talk
    seconds = [
        round(each.duration_seconds)
        for one in roster
        for each in one.calls
        if by_person(each) and each.duration_seconds is not None
    ]
    assert (talk.calls, talk.total) == (len(seconds), sum(seconds))
    assert sum(bucket.calls for bucket in talk.buckets) == len(seconds)
    if seconds:
        assert talk.mean == pytest.approx(statistics.fmean(seconds))
        assert talk.longest == max(seconds)


def test_voicemail_and_call_screening_reach_nobody() -> None:
    report = added(
        [
            person(call(answered_by=AnsweredBy.MACHINE, outcome="voicemail")),
            person(call(answered_by=AnsweredBy.SCREENER, outcome="screened")),
            person(call(answered_by=None)),
        ]
    )
    assert report.funnel.answered_by_person.count == 1
    assert report.answers.person_not_confirmed == 1
    assert (report.answers.voicemail.count, report.answers.screened.count) == (1, 1)


def test_a_right_outcome_is_what_is_chosen_or_no_refusal() -> None:
    roster = [person(call(outcome=outcome)) for outcome in ("booked", "confirmed", *NOT_RIGHT)]
    assert added(roster).funnel.right_outcome.count == 2
    chosen = added(roster, frozenset({"booked", "opted_out"}))
    assert chosen.funnel.right_outcome.count == 2
    assert chosen.right_outcomes == ["booked", "opted_out"]


def test_who_was_refused_is_not_callable_and_who_was_canceled_is() -> None:
    refused = person(zone=None, outcome="refused", reason="no telephone has this number")
    canceled = person(outcome="canceled", reason="campaign stopped")
    waiting = person(state=RecipientState.WAITING, reason="calls are made 9-18; it is 20:00")
    report = added([refused, canceled, waiting])
    assert (report.funnel.enrolled, report.funnel.callable.count) == (3, 2)
    [refusal] = report.compliance.refusals
    assert (refusal.code, refusal.people) == ("refused", 1)
    [waits] = report.waiting
    assert (waits.reason, waits.people) == ("calls are made 9-18", 1)


def test_more_names_than_are_told_apart_are_counted_together() -> None:
    names = Names(2)
    assert [names.of(name) for name in ("a", "b", "c", "a", "d")] == [
        "a", "b", "others", "a", "others",
    ]  # fmt: skip


@given(people)
def test_tables_have_a_cell_for_each_column(roster: list[ReportedPerson]) -> None:
    tables = tables_of(added(roster))
    assert len({table.name for table in tables}) == len(tables)
    for table in tables:
        assert all(len(row) == len(table.columns) for row in table.rows)
        shown = show_table(table)
        assert len(shown.right) == len(shown.columns)
        assert all(len(row) == len(shown.columns) for row in shown.rows)
