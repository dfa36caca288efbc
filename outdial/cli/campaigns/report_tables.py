"""A report on the terminal: tables, bars, and a heat map."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outdial.cli.output import new_table, plural, print_table, say
from outdial.domain.codes import words
from outdial.domain.report.rate import Rate
from outdial.domain.report.report import CampaignReport
from outdial.domain.report.tables import tables_of
from outdial.domain.report.wording import (
    ShownTable,
    comparison_notes,
    show_comparison,
    show_rate,
    show_table,
)
from outdial.providers.lines import simulated_note

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

_BAR = 30
"""Characters of the longest bar."""
_MOST_ROWS = 20
"""Rows of a table; CSV files have all."""
_FEW = 10
"""A rate of fewer attempts is shown dim."""
_PRINTED = (
    "outcomes",
    "by_zone",
    "by_line",
    "by_agent",
    "by_caller_id",
    "by_revision",
    "durations",
    "costs",
    "waiting",
    "callbacks",
    "bookings",
    "refusals",
)
_ALONE = frozenset({"by_line", "by_agent", "by_caller_id", "by_revision"})
"""With one row they repeat what is above."""
_LEFT_OUT = frozenset({"screened", "right outcome"})
"""Columns of groups that their rates or the CSV files have, too."""


def print_report(report: CampaignReport) -> None:
    """Print the figures of a launch."""
    _print_heading(report)
    print_table(_funnel(report))
    _print_answers(report)
    if report.attempts_by_hour:
        say("")
        print_table(_heat_map(report))
    shown = {table.name: show_table(table) for table in tables_of(report)}
    for name in _PRINTED:
        table = shown[name]
        if len(table.rows) > (1 if name in _ALONE else 0) and not _is_empty(name, report):
            say("")
            _print(table)
    _print_compliance(report)
    if report.rehearsal is not None:
        say("")
        _print(show_comparison(report.rehearsal))
        for note in comparison_notes(report, report.rehearsal):
            say(f"  {note}")


def _is_empty(name: str, report: CampaignReport) -> bool:
    return name == "costs" and report.costs.total_millionths is None


def _print_heading(report: CampaignReport) -> None:
    which = f"launch {report.launch} of {report.launches}, " if report.launches > 1 else ""
    until = report.finished_at or report.last_call_at
    span = _clock(report.launched_at) + (f" to {_clock(until)}" if until else "")
    say(f"{report.campaign}: {which}{report.launch_state}, {span}")
    for line in report.simulated:
        say(simulated_note(line))
    say("")


def _funnel(report: CampaignReport) -> Table:
    funnel = report.funnel
    table = new_table("people", "count", "of those before (95 %)", "", right=frozenset({"count"}))
    rates: list[tuple[str, int, Rate | None]] = [
        ("enrolled", funnel.enrolled, None),
        ("callable", funnel.callable.count, funnel.callable),
        ("attempted", funnel.attempted.count, funnel.attempted),
        ("answered by a person", funnel.answered_by_person.count, funnel.answered_by_person),
        ("right outcome", funnel.right_outcome.count, funnel.right_outcome),
    ]
    for name, count, rate in rates:
        bar = _bar(count, funnel.enrolled)
        table.add_row(name, f"{count:,}", "" if rate is None else show_rate(rate), bar)
    return table


def _print_answers(report: CampaignReport) -> None:
    answers = report.answers
    counts = {
        "answered by a person": answers.answered_by_person.count,
        "voicemail": answers.voicemail.count,
        "screened": answers.screened.count,
        "no answer": answers.no_answer,
        "busy": answers.busy,
        "failed": answers.failed,
        "canceled": answers.canceled,
    }
    parts = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    say("")
    say(f"{plural(answers.attempts, 'attempt')}{': ' if parts else ''}{parts}")
    if answers.person_not_confirmed:
        count = answers.person_not_confirmed
        say(f"  of {count:,} the provider does not say that it was a person who answered")
    beside = {"that never rang": answers.never_rang, "in flight": answers.in_flight}
    others = ", ".join(f"{count:,} {name}" for name, count in beside.items() if count)
    if others:
        say(f"  besides: {others}")


def _heat_map(report: CampaignReport) -> Table:
    cells = {(each.attempt, each.hour): each.answered_by_person for each in report.attempts_by_hour}
    hours = sorted({hour for _, hour in cells})
    headings = [f"{hour}h" for hour in hours]
    table = new_table("answered, by their hour", *headings, right=frozenset(headings))
    for attempt in sorted({attempt for attempt, _ in cells}):
        rates = [cells.get((attempt, hour)) for hour in hours]
        table.add_row(f"attempt {attempt}", *map(_heat, rates))
    return table


def _heat(rate: Rate | None) -> Text:
    from rich.text import Text

    if rate is None or rate.share is None:
        return Text("·", style="dim")
    text = f"{rate.share:.0%}"
    if rate.of < _FEW:
        return Text(text, style="dim")
    return Text(text, style="bold" if rate.share >= 0.5 else "")


def _print(shown: ShownTable) -> None:
    group = shown.name.startswith("by_")
    kept = [at for at, column in enumerate(shown.columns) if not (group and column in _LEFT_OUT)]
    table = new_table(*(shown.columns[at] for at in kept))
    for column, at in zip(table.columns, kept, strict=True):
        column.justify = "right" if shown.right[at] else "left"
    for row in shown.rows[:_MOST_ROWS]:
        table.add_row(*(row[at] for at in kept))
    say(f"{shown.title.lower()}:")
    print_table(table)
    more = len(shown.rows) - _MOST_ROWS
    if more > 0:
        say(f"  and {more:,} more; --csv writes all of them")


def _print_compliance(report: CampaignReport) -> None:
    summary = report.compliance
    say("")
    head = f", head {summary.head}" if summary.head else ""
    say(f"compliance: {plural(summary.receipts, 'receipt')}{head}")
    if summary.without_receipt:
        say(f"  {plural(summary.without_receipt, 'dial')} without a receipt")
    for title, names in (("rules applied", summary.rules), ("set aside", summary.set_aside)):
        if names:
            say(f"  {title}: " + ", ".join(f"{each.name} ({each.count:,})" for each in names))
    if summary.zone_sources:
        sources = (f"{words(each.name)} ({each.count:,})" for each in summary.zone_sources)
        say(f"  zones by: {', '.join(sources)}")


def _bar(value: float, longest: float) -> str:
    return "█" * max(1, round(value / longest * _BAR)) if value and longest else ""


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%a %Y-%m-%d %H:%M}Z"
