"""The page of a report: the launch at a glance, then charts, each with its figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from outdial.domain.codes import words
from outdial.domain.report.report import (
    BandComparison,
    CampaignReport,
    Durations,
    GroupFigures,
    Hour,
)
from outdial.domain.report.tables import ReportTable, money, tables_of
from outdial.domain.report.wording import (
    ShownTable,
    comparison_notes,
    show_comparison,
    show_rate,
    show_table,
)
from outdial.drawing.charts import (
    Bar,
    BarChart,
    Chart,
    HeatMap,
    Series,
    TimeBars,
    TimeLines,
)
from outdial.drawing.page import Page, PageTable, Section, Tile

MOST_BARS = 15
_HOUR, _DAY = 3600, 86_400
_LONGEST_BY_HOUR = timedelta(days=10)
"""What took longer is drawn by day."""
_MILLION = 1_000_000
_GROUPS = (
    ("zones", "zone", "Zones"),
    ("lines_used", "line", "Lines"),
    ("agents", "agent", "Agents"),
    ("caller_ids", "caller_id", "Caller ids"),
    ("revisions", "revision", "Revisions"),
)


def report_page(report: CampaignReport) -> Page:
    tables = {table.name: table for table in tables_of(report)}
    return Page(
        title=f"{report.campaign}: report",
        lines=list(_lines(report)),
        tiles=list(_tiles(report)),
        sections=list(_sections(report, tables)),
    )


def _lines(report: CampaignReport) -> Iterator[str]:
    until = report.finished_at or report.last_call_at
    ran = (
        f"{_clock(report.launched_at)} to {_clock(until)}" if until else _clock(report.launched_at)
    )
    which = f"launch {report.launch} of {report.launches}" if report.launches > 1 else "one launch"
    yield f"{report.purpose}, {report.launch_state}; {which}; {ran}"
    yield f"Made at {_clock(report.made_at)}. Times are in UTC unless they are the person's own."
    for line in report.simulated:
        yield f"Line {line} is simulated: nobody's telephone rang."
    if report.right_outcomes is not None:
        yield f"Right outcomes: {', '.join(map(words, report.right_outcomes))}."


def _tiles(report: CampaignReport) -> Iterator[Tile]:
    funnel, costs = report.funnel, report.costs
    yield Tile("people enrolled", f"{funnel.enrolled:,}", f"{funnel.callable.count:,} callable")
    yield Tile(
        "people reached",
        f"{funnel.answered_by_person.count:,}",
        _share(funnel.answered_by_person.share, "of those attempted"),
    )
    yield Tile(
        "right outcomes",
        f"{funnel.right_outcome.count:,}",
        _share(funnel.right_outcome.share, "of those reached"),
    )
    yield Tile(
        "attempts",
        f"{report.answers.attempts:,}",
        _share(report.answers.answered_by_person.share, "answered by a person"),
    )
    if report.talk.p50 is not None:
        yield Tile("median talk", f"{report.talk.p50:,} s", f"{report.talk.total / _HOUR:,.1f} h")
    if costs.total_millionths is not None:
        per = money(costs.per_right_outcome_millionths)
        note = "" if per is None else f"{per:,.2f} for each right outcome"
        yield Tile("cost", f"{costs.total_millionths / _MILLION:,.2f}", note)


def _share(share: float | None, of: str) -> str:
    return "" if share is None else f"{share:.1%} {of}"


def _sections(report: CampaignReport, tables: dict[str, ReportTable]) -> Iterator[Section]:
    def shown(*names: str) -> list[PageTable]:
        return [_table(tables[name]) for name in names if tables[name].rows]

    yield Section(
        "People",
        "Each share is of the stage before it, with a 95 % interval.",
        [_funnel(report)],
        shown("funnel", "refusals"),
    )
    yield Section(
        "Who answered",
        "Attempts may have rung. Where the provider does not say who answered, it counts as a "
        "person and is listed as not confirmed. Several attempts to one person are not quite "
        "independent of each other, so true intervals are a little wider.",
        list(_of_answers(report)),
        shown("answers"),
    )
    if report.hours:
        yield Section("Over time", "", list(_over_time(report)))
    if report.rehearsal is not None:
        yield _against_rehearsal(report, report.rehearsal)
    if report.attempts_by_hour:
        yield Section(
            "When people answer",
            "By the hour of the person's own day, in the first of the zones that they may be in.",
            [_heat_map(report)],
        )
    yield Section("Outcomes", "", [], shown("outcomes"))
    for field, name, title in _GROUPS:
        groups: list[GroupFigures] = getattr(report, field)
        if groups:
            yield Section(title, "", list(_of_groups(title, groups)), shown(f"by_{name}"))
    yield Section("Durations", "", list(_of_durations(report)), shown("durations"))
    if report.costs.total_millionths is not None:
        text = "In the currency that the provider bills in. Each is a share of all that calls cost."
        yield Section("Costs", text, [], shown("costs"))
    if report.waiting or report.callbacks or report.bookings:
        tables_after = shown("waiting", "callbacks", "bookings")
        yield Section("Still waiting, and what followed", "", [], tables_after)
    yield Section(
        "Compliance",
        "Rules that were in force when a dial was let through, as its receipt has them.",
        [],
        shown("compliance"),
    )


def _table(table: ReportTable) -> PageTable:
    return _page_table(show_table(table))


def _page_table(shown: ShownTable) -> PageTable:
    return PageTable(shown.title, shown.columns, shown.right, shown.rows)


# --- charts -------------------------------------------------------------------------------------


def _funnel(report: CampaignReport) -> Chart:
    funnel = report.funnel
    bars = [Bar("enrolled", funnel.enrolled)]
    for name, rate in (
        ("callable", funnel.callable),
        ("attempted", funnel.attempted),
        ("answered by a person", funnel.answered_by_person),
        ("right outcome", funnel.right_outcome),
    ):
        note = f"{rate.count:,}" + ("" if rate.share is None else f" ({rate.share:.1%})")
        bars.append(Bar(name, rate.count, note=note))
    summary = ", ".join(f"{bar.value:,.0f} {bar.name}" for bar in bars)
    return BarChart("From the roster to right outcomes", summary, bars)


def _of_answers(report: CampaignReport) -> Iterator[Chart]:
    answers = report.answers
    counts = {
        "a person": answers.answered_by_person.count,
        "voicemail": answers.voicemail.count,
        "a call screening": answers.screened.count,
        "no answer": answers.no_answer,
        "busy": answers.busy,
        "failed": answers.failed,
        "canceled": answers.canceled,
    }
    bars = [Bar(name, count) for name, count in counts.items() if count]
    if bars:
        yield BarChart("Attempts, by who answered", _in_words(bars), bars)


def _in_words(bars: Sequence[Bar]) -> str:
    return ", ".join(f"{bar.name}: {bar.value:,.0f}" for bar in bars)


def _over_time(report: CampaignReport) -> Iterator[Chart]:
    hours = report.hours
    by_day = hours[-1].at - hours[0].at > _LONGEST_BY_HOUR
    seconds, unit = (_DAY, "day") if by_day else (_HOUR, "hour")
    times, reached, others = _by_time(hours, seconds)
    first, last = _clock(hours[0].at), _clock(hours[-1].at)
    yield TimeBars(
        f"Attempts by {unit}",
        f"{report.answers.attempts:,} attempts from {first} to {last}",
        times,
        seconds,
        [Series("answered by a person", reached), Series("other attempts", others)],
    )
    people = max(1, report.funnel.enrolled)
    shares = [count / people for count in accumulate(hour.first_reached for hour in hours)]
    yield TimeLines(
        "Share of people reached",
        f"{shares[-1]:.1%} of the people enrolled were reached by {last}",
        [hour.at + timedelta(seconds=_HOUR) for hour in hours],
        [Series("reached", shares)],
        percent=True,
        steps=True,
    )


def _by_time(
    hours: Sequence[Hour], seconds: int
) -> tuple[list[datetime], list[float], list[float]]:
    by_person, attempts = Counter[int](), Counter[int]()
    for hour in hours:
        at = int(hour.at.timestamp() // seconds)
        by_person[at] += hour.answered_by_person
        attempts[at] += hour.attempts
    places = sorted(attempts)
    times = [datetime.fromtimestamp(at * seconds, UTC) for at in places]
    reached = [float(by_person[at]) for at in places]
    return times, reached, [float(attempts[at] - by_person[at]) for at in places]


def _against_rehearsal(report: CampaignReport, compared: BandComparison) -> Section:
    return Section(
        "Against the rehearsal",
        "Bands are the 10th to the 90th percentile of the runs: where the rehearsal is right, one "
        f"figure in five is outside. {' '.join(comparison_notes(report, compared))}",
        list(_reached_beside(compared)),
        [_page_table(show_comparison(compared))],
    )


def _reached_beside(compared: BandComparison) -> Iterator[Chart]:
    hours = compared.hours
    if not hours:
        return
    last = hours[-1]
    yield TimeLines(
        "Share of people reached, in this launch and in the rehearsal",
        f"By {_clock(last.at)} {last.real:.1%} were reached, and {last.p50:.1%} in the rehearsal "
        f"({last.p10:.1%} to {last.p90:.1%})",
        [hour.at for hour in hours],
        [
            Series(
                "rehearsal",
                [hour.p50 for hour in hours],
                [hour.p10 for hour in hours],
                [hour.p90 for hour in hours],
            ),
            Series("this launch", [hour.real for hour in hours]),
        ],
        percent=True,
        steps=True,
    )


def _heat_map(report: CampaignReport) -> Chart:
    cells = {(each.attempt, each.hour): each.answered_by_person for each in report.attempts_by_hour}
    numbers = sorted({attempt for attempt, _ in cells})
    hours = range(min(hour for _, hour in cells), max(hour for _, hour in cells) + 1)
    rates = [[cells.get((number, hour)) for hour in hours] for number in numbers]
    best = max(cells.items(), key=lambda item: item[1].low or 0)
    return HeatMap(
        "Share of attempts that a person answered, by attempt and hour",
        f"Highest for attempt {best[0][0]} at {best[0][1]}:00: {show_rate(best[1])}",
        [f"attempt {number}" for number in numbers],
        [str(hour) for hour in hours],
        [[None if rate is None else rate.share for rate in row] for row in rates],
        [["" if r is None or r.share is None else f"{r.share:.0%}" for r in row] for row in rates],
        x_label="hour of the person's day",
    )


def _of_groups(title: str, groups: Sequence[GroupFigures]) -> Iterator[Chart]:
    drawn = [group for group in groups[:MOST_BARS] if group.attempts]
    if len(drawn) < 2:
        return
    for name, rates in (
        ("Answered by a person", [group.answered_by_person for group in drawn]),
        ("Right outcome", [group.right_outcome for group in drawn]),
    ):
        bars = [
            Bar(group.name, rate.share or 0, rate.low, rate.high, f"{rate.share or 0:.1%}")
            for group, rate in zip(drawn, rates, strict=True)
        ]
        summary = "; ".join(
            f"{group.name}: {show_rate(rate)}" for group, rate in zip(drawn, rates, strict=True)
        )
        yield BarChart(f"{name}, share of attempts: {title.lower()}", summary, bars, percent=True)


def _of_durations(report: CampaignReport) -> Iterator[Chart]:
    for title, durations in (
        ("Talk with a person", report.talk),
        ("Ringing until answered", report.ring),
    ):
        if durations.calls:
            yield _histogram(title, durations)


def _histogram(title: str, durations: Durations) -> Chart:
    bars = [
        Bar(
            f"{each.from_seconds} s and more"
            if each.to_seconds is None
            else f"{each.from_seconds} to {each.to_seconds - 1} s",
            each.calls,
        )
        for each in durations.buckets
    ]
    return BarChart(f"{title}, calls by length", _in_words(bars), bars)


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%a %d %b %Y %H:%M}Z"
