"""The page of a rehearsal: when calls are placed, how many slots are in use, who is reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from outdial.cli.campaigns.rehearsal_figures import wait_in_words
from outdial.cli.output import plural
from outdial.domain.codes import words
from outdial.drawing.charts import Bar, BarChart, Chart, Series, TimeBars, TimeLines
from outdial.drawing.page import Page, Section, Tile
from outdial.drawing.palette import SERIES
from outdial.rehearsal.outcome import HOUR, Band, Outcome
from outdial.rehearsal.rehearsal import Rehearsal

_DAY = 86_400
_LONGEST_BY_HOUR = 10 * _DAY
"""Seconds; what takes longer is drawn by day."""
_MILLION = 1_000_000
_OTHERS = "other zones"
_LEFT_OUT = 0.005
"""The share of calls that the charts of calls and of slots don't show: the last ones."""


def rehearsal_page(rehearsal: Rehearsal, outcome: Outcome) -> Page:
    of_runs = f"{plural(len(outcome.runs), 'run')}, seed {outcome.runs[0].seed}"
    return Page(
        title=f"{rehearsal.name}: rehearsal",
        lines=[
            f"{plural(outcome.recipients, 'recipient')}, launched {_clock(outcome.started_at)}; "
            f"{of_runs}. No call was placed.",
            f"People: {rehearsal.people.source}",
            "At the top are medians over the runs, with the 10th and 90th percentile; charts show "
            "averages over the runs unless they say otherwise. Times are in UTC. The charts of "
            f"calls and of slots leave out the last {_LEFT_OUT:.1%} of the calls.",
        ],
        tiles=list(_tiles(outcome, rehearsal.currency or "")),
        sections=list(_sections(outcome)),
    )


def rehearsal_charts(outcome: Outcome) -> dict[str, Chart]:
    """The charts by the names of their files."""
    charts = {
        "calls": _calls(outcome),
        "slots": _slots(outcome),
        "reached": _reached(outcome),
        "attempts": _attempts(outcome),
        "outcomes": _outcomes(outcome),
        "waits": _waits(outcome),
    }
    return {name: chart for name, chart in charts.items() if chart is not None}


def _tiles(outcome: Outcome, currency: str) -> Iterator[Tile]:
    low, middle, high = map(_clock, outcome.finish())
    yield Tile("finish", middle, f"{low} to {high}")
    yield _tile("calls", outcome.band_of(lambda run: run.calls), ",.0f")
    yield _tile("people reached", outcome.band_of(lambda run: run.reached), ",.0f")
    yield _tile("share reached", outcome.band_of(lambda run: run.reached_share), ".1%")
    yield _tile("slots, at most", outcome.band_of(lambda run: run.most_in_flight), ",.0f")
    cost = outcome.cost()
    if cost is not None:
        yield _tile(f"cost, {currency}", Band(*(value / _MILLION for value in cost)), ",.2f")


def _tile(label: str, band: Band, form: str) -> Tile:
    low, middle, high = (format(value, form) for value in band)
    return Tile(label, middle, f"{low} to {high}")


def _sections(outcome: Outcome) -> Iterator[Section]:
    charts = rehearsal_charts(outcome)

    def of(*names: str) -> list[Chart]:
        return [charts[name] for name in names if name in charts]

    for title, names in (
        ("When calls are placed", ("calls", "slots")),
        ("Who is reached", ("reached", "attempts", "outcomes")),
        ("What recipients wait for", ("waits",)),
    ):
        if of(*names):
            yield Section(title, "", of(*names))


# --- charts -------------------------------------------------------------------------------------


def _calls(outcome: Outcome) -> Chart | None:
    every = outcome.calls_by_hour()
    if not every:
        return None
    last = _last_drawn(outcome)
    by_hour = {key: calls for key, calls in every.items() if key[0] <= last}
    of_zone: Counter[str] = Counter()
    for (_, zone), calls in by_hour.items():
        of_zone[zone] += calls  # type: ignore[assignment]  # averages
    named = [zone for zone, _ in of_zone.most_common(SERIES - 1)]
    hours = [hour for hour, _ in by_hour]
    long = (max(hours) - min(hours)).total_seconds() > _LONGEST_BY_HOUR
    seconds, unit = (_DAY, "day") if long else (HOUR, "hour")
    values: dict[str, dict[int, float]] = {}
    for (hour, zone), calls in by_hour.items():
        at = int(hour.timestamp() // seconds)
        of_name = values.setdefault(zone if zone in named else _OTHERS, {})
        of_name[at] = of_name.get(at, 0.0) + calls
    places = sorted({at for of_name in values.values() for at in of_name})
    series = [
        Series(name, [values[name].get(at, 0.0) for at in places])
        for name in (*named, _OTHERS)
        if name in values
    ]
    total, later = sum(every.values()), max(hour for hour, _ in every)
    where = f"more in {named[0]} than in any other" if len(of_zone) > 1 else f"all in {named[0]}"
    rest = f"; the last ones, until {_clock(later)}, are left out" if later > last else ""
    return TimeBars(
        f"Calls by {unit} and zone",
        f"{total:,.0f} calls on average, {where}{rest}",
        [datetime.fromtimestamp(at * seconds, UTC) for at in places],
        seconds,
        series,
    )


def _last_drawn(outcome: Outcome) -> datetime:
    """The last hour of the charts of calls and of slots. A few people who are called again days
    later would make all the rest narrow."""
    of_hour: Counter[datetime] = Counter()
    for (hour, _), calls in outcome.calls_by_hour().items():
        of_hour[hour] += calls  # type: ignore[assignment]  # averages
    left = sum(of_hour.values()) * (1 - _LEFT_OUT)
    for hour in sorted(of_hour):
        left -= of_hour[hour]
        if left <= 0:
            return hour
    return outcome.started_at


def _slots(outcome: Outcome) -> Chart | None:
    last = _last_drawn(outcome)
    hours = [each for each in outcome.slots_over_time() if each.at <= last + timedelta(hours=1)]
    if not hours:
        return None
    most = max(hours, key=lambda hour: hour.band.middle)
    return TimeLines(
        "Slots in use, on average over each hour, 10th to 90th percentile of the runs",
        f"At most {most.band.middle:,.1f} in the middle of the runs, in the hour from "
        f"{_clock(most.at)}",
        [hour.at for hour in hours],
        [_banded("slots", [hour.band for hour in hours])],
        steps=True,
    )


def _reached(outcome: Outcome) -> Chart | None:
    curve = outcome.reached_over_time()
    if not curve:
        return None
    low, middle, high = (f"{value:.1%}" for value in curve[-1].band)
    return TimeLines(
        "Share of people reached, 10th to 90th percentile of the runs",
        f"{middle} by {_clock(curve[-1].at)} ({low} to {high})",
        [outcome.started_at, *(point.at for point in curve)],
        [_banded("reached", [Band(0.0, 0.0, 0.0), *(point.band for point in curve)])],
        percent=True,
        steps=True,
    )


def _banded(name: str, bands: Sequence[Band]) -> Series:
    return Series(
        name,
        [each.middle for each in bands],
        [each.low for each in bands],
        [each.high for each in bands],
    )


def _attempts(outcome: Outcome) -> Chart | None:
    people = outcome.attempts_per_person()
    bars = [Bar(plural(count, "attempt"), value) for count, value in people.items()]
    return _bars("Attempts per person", bars, ",.0f")


def _outcomes(outcome: Outcome) -> Chart | None:
    people = outcome.mean_of(lambda run: run.by_outcome)
    bars = [Bar(words(name), value) for name, value in people.items()]
    return _bars("People by their last outcome", bars, ",.1f")


def _waits(outcome: Outcome) -> Chart | None:
    bars = [Bar(wait_in_words(code), hours) for code, hours in outcome.waits().items()]
    return _bars("Hours that a recipient waits", bars, ",.1f")


def _bars(title: str, bars: Sequence[Bar], form: str) -> Chart | None:
    if not bars:
        return None
    noted = [Bar(bar.name, bar.value, note=format(bar.value, form)) for bar in bars]
    return BarChart(title, ", ".join(f"{bar.name}: {bar.note}" for bar in noted), noted)


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%a %d %b %H:%M}Z"
