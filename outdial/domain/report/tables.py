"""A report as tables: the same ones for CSV files, the terminal and the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from outdial.domain.report.rate import Rate
from outdial.domain.report.report import (
    BandComparison,
    CampaignReport,
    Durations,
    GroupFigures,
)
from outdial.domain.report.tally import MILLION

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class ReportTable:
    """Rows under the names of their columns. Shares are between 0 and 1, money is in the currency
    that the provider bills in, and instants are in UTC."""

    name: str
    """As a file is named: `by_zone`."""
    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]


def tables_of(report: CampaignReport) -> list[ReportTable]:
    """Every table of a report, empty ones too."""
    return list(_tables(report))


_RATE = ("share", "share_low", "share_high")
_GROUP = (
    "attempts",
    "answered_by_person",
    *_RATE,
    "voicemail",
    "screened",
    "right_outcome",
    "right_share",
    "right_share_low",
    "right_share_high",
    "talk_seconds",
    "cost",
)
_GROUPS = (
    ("zones", "zone", "By zone"),
    ("lines_used", "line", "By line"),
    ("agents", "agent", "By agent"),
    ("caller_ids", "caller_id", "By caller id"),
    ("revisions", "revision", "By revision"),
)


def _tables(report: CampaignReport) -> Iterator[ReportTable]:
    yield _funnel(report)
    yield _answers(report)
    yield _outcomes(report)
    yield ReportTable(
        "attempts_by_hour",
        "Attempts by hour of the person's day",
        ("attempt", "hour", "attempts", "answered_by_person", *_RATE),
        [
            (each.attempt, each.hour, *_of_attempts(each.answered_by_person))
            for each in report.attempts_by_hour
        ],
    )
    for field, column, title in _GROUPS:
        yield _by(column, title, getattr(report, field))
    yield _outcomes_by(report)
    yield ReportTable(
        "hours",
        "Over time",
        ("hour", "attempts", "answered_by_person", "first_reached"),
        [
            (_stamp(each.at), each.attempts, each.answered_by_person, each.first_reached)
            for each in report.hours
        ],
    )
    yield _durations(report)
    yield _costs(report)
    yield from _afterwards(report)
    yield _compliance(report)
    yield ReportTable(
        "refusals",
        "Never called",
        ("code", "reason", "people"),
        [(each.code, each.reason, each.people) for each in report.compliance.refusals],
    )
    yield from _rehearsal(report.rehearsal)


def _outcomes(report: CampaignReport) -> ReportTable:
    rows = [
        (
            each.outcome,
            each.calls,
            each.people,
            money(each.cost_millionths),
            money(each.cost_per_call_millionths),
        )
        for each in report.outcomes
    ]
    columns = ("outcome", "calls", "people", "cost", "cost_per_call")
    return ReportTable("outcomes", "Outcomes", columns, rows)


def _afterwards(report: CampaignReport) -> Iterator[ReportTable]:
    waiting = [(each.state, each.reason, each.people) for each in report.waiting]
    yield ReportTable("waiting", "Waiting", ("state", "reason", "people"), waiting)
    callbacks = [(each.kind, each.state, each.callbacks) for each in report.callbacks]
    yield ReportTable("callbacks", "Callbacks", ("callback", "state", "callbacks"), callbacks)
    bookings = [(each.name, each.count) for each in report.bookings]
    yield ReportTable("bookings", "Bookings", ("status", "appointments"), bookings)


def _funnel(report: CampaignReport) -> ReportTable:
    funnel = report.funnel
    rows: list[tuple[Cell, ...]] = [("enrolled", funnel.enrolled, None, None, None, None)]
    rows += [
        (name, rate.count, rate.of, rate.share, rate.low, rate.high)
        for name, rate in (
            ("callable", funnel.callable),
            ("attempted", funnel.attempted),
            ("answered_by_person", funnel.answered_by_person),
            ("right_outcome", funnel.right_outcome),
        )
    ]
    return ReportTable("funnel", "People", ("stage", "people", "of", *_RATE), rows)


def _answers(report: CampaignReport) -> ReportTable:
    answers = report.answers
    rated = {
        "answered_by_person": answers.answered_by_person,
        "voicemail": answers.voicemail,
        "screened": answers.screened,
    }
    rows: list[tuple[Cell, ...]] = [
        (name, rate.count, rate.share, rate.low, rate.high) for name, rate in rated.items()
    ]
    attempts = answers.attempts
    for name in ("no_answer", "busy", "failed", "canceled"):
        rate = Rate.of_counts(getattr(answers, name), attempts)
        rows.append((name, rate.count, rate.share, rate.low, rate.high))
    rows += [
        ("attempts", attempts, None, None, None),
        ("person_not_confirmed", answers.person_not_confirmed, None, None, None),
        ("never_rang", answers.never_rang, None, None, None),
        ("in_flight", answers.in_flight, None, None, None),
        ("dialed", answers.dialed, None, None, None),
    ]
    return ReportTable("answers", "Who answered", ("calls", "count", *_RATE), rows)


def _by(column: str, title: str, groups: Sequence[GroupFigures]) -> ReportTable:
    rows = [
        (
            each.name,
            *_of_attempts(each.answered_by_person),
            each.voicemail,
            each.screened,
            each.right_outcome.count,
            each.right_outcome.share,
            each.right_outcome.low,
            each.right_outcome.high,
            each.talk_seconds,
            money(each.cost_millionths),
        )
        for each in groups
    ]
    return ReportTable(f"by_{column}", title, (column, *_GROUP), rows)


def _outcomes_by(report: CampaignReport) -> ReportTable:
    rows = [
        (column, each.name, outcome, count)
        for field, column, _ in _GROUPS
        for each in getattr(report, field)
        for outcome, count in each.outcomes.items()
    ]
    columns = ("by", "name", "outcome", "attempts")
    return ReportTable("outcomes_by", "Outcomes of each", columns, rows)


def _durations(report: CampaignReport) -> ReportTable:
    columns = ("seconds_of", "calls", "total", "mean", "p10", "p50", "p90", "longest")

    def row(name: str, of: Durations) -> tuple[Cell, ...]:
        return name, of.calls, of.total, of.mean, of.p10, of.p50, of.p90, of.longest

    rows = [row("talk", report.talk), row("ring", report.ring)]
    return ReportTable("durations", "Durations", columns, rows)


def _costs(report: CampaignReport) -> ReportTable:
    costs = report.costs
    rows: list[tuple[Cell, ...]] = [
        ("total", money(costs.total_millionths)),
        ("per_attempt", money(costs.per_attempt_millionths)),
        ("per_person_reached", money(costs.per_person_reached_millionths)),
        ("per_right_outcome", money(costs.per_right_outcome_millionths)),
        ("computed", money(costs.computed_millionths)),
        ("calls_with_price", costs.calls_with_price),
        ("computed_calls", costs.computed_calls),
        ("attempts_without_price", costs.attempts_without_price),
        ("answered_without_price", costs.answered_without_price),
    ]
    return ReportTable("costs", "Costs", ("figure", "value"), rows)


def _compliance(report: CampaignReport) -> ReportTable:
    summary = report.compliance
    rows: list[tuple[Cell, ...]] = [
        ("receipts", None, summary.receipts),
        ("dials_without_receipt", None, summary.without_receipt),
        ("head", summary.head, None),
    ]
    for kind, names in (
        ("rule", summary.rules),
        ("rules_version", summary.rules_versions),
        ("zone_source", summary.zone_sources),
        ("set_aside", summary.set_aside),
    ):
        rows += [(kind, each.name, each.count) for each in names]
    return ReportTable("compliance", "Compliance", ("kind", "name", "dials"), rows)


def _rehearsal(compared: BandComparison | None) -> Iterator[ReportTable]:
    """Money is in the currency, as everywhere in tables."""
    figures: list[tuple[Cell, ...]] = []
    for each in compared.figures if compared else ():
        name, by = each.name, 1
        if name == "cost_millionths":
            name, by = "cost", MILLION
        band = each.p10, each.p50, each.p90, each.real
        values = [None if value is None else value / by for value in band]
        figures.append((name, *values, each.place))
    columns = ("figure", "p10", "p50", "p90", "real", "place")
    yield ReportTable("rehearsal", "Against the rehearsal", columns, figures)
    hours = [
        (_stamp(each.at), each.p10, each.p50, each.p90, each.real, each.place)
        for each in (compared.hours if compared else ())
    ]
    yield ReportTable(
        "rehearsal_hours",
        "Share of people reached, against the rehearsal",
        ("until", "p10", "p50", "p90", "real", "place"),
        hours,
    )


def _of_attempts(rate: Rate) -> tuple[Cell, ...]:
    return rate.of, rate.count, rate.share, rate.low, rate.high


def money(millionths: int | None) -> float | None:
    return None if millionths is None else millionths / MILLION


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
