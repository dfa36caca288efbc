"""Two rehearsed campaigns beside each other: in a sentence, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from typing import Any, NamedTuple

from outdial.cli.campaigns.rehearsal_figures import outcome_report
from outdial.cli.output import new_table, plural, print_table, say
from outdial.rehearsal.comparison import Comparison, Difference
from outdial.rehearsal.rehearsal import Rehearsal

_FIGURES = ("calls", "reached", "reached_share", "most_in_flight", "talk_seconds")


class _Unit(NamedTuple):
    size: float
    name: str
    """Written behind a number; empty for none."""
    digits: int

    def number(self, value: float) -> str:
        return f"{abs(value) / self.size:,.{self.digits}f}"

    def amount(self, value: float) -> str:
        return f"{self.number(value)} {self.name}".rstrip()


_COUNT = _Unit(1, "", 1)
_DURATIONS = (
    _Unit(24 * 3600, "days", 1),
    _Unit(3600, "hours", 1),
    _Unit(60, "minutes", 1),
    _Unit(1, "seconds", 1),
)


class _Row(NamedTuple):
    name: str
    less: str
    more: str
    """Which way a difference goes, behind its amount; the first word is enough to tell."""
    unit: _Unit | None
    """None: of durations, by how long they are."""
    middles: tuple[float, float]
    """The median of either campaign's runs."""
    difference: Difference


def print_comparison(names: tuple[str, str], comparison: Comparison, *, alike: bool) -> None:
    """Print what the second campaign does differently. `alike`: both call the same people."""
    rows = list(_rows(comparison))
    first, second = names
    said = ", ".join(_in_words(row) for row in rows if row.name != "talk")
    say(f"{second} instead of {first}: {said}")
    runs = comparison.first.runs
    confidence = "; in brackets 95 % confidence" if len(runs) > 1 else ""
    say(f"{plural(len(runs), 'pair')} of runs, seed {runs[0].seed}{confidence}")
    for outcome, name in zip((comparison.first, comparison.second), names, strict=True):
        if outcome.unfinished:
            runs_left = plural(outcome.unfinished, "run")
            say(f"{name}: {runs_left} did not end within three years, or within the budget")
    if not alike:
        say("They call different people, so that part of what differs is chance.")
    table = new_table("median", first, second, "difference", right=frozenset(names))
    for row in rows:
        unit = _unit_of(row, max(row.middles))
        table.add_row(row.name, *map(unit.amount, row.middles), _in_words(row))
    print_table(table)


def comparison_report(
    rehearsals: tuple[Rehearsal, Rehearsal], comparison: Comparison, *, alike: bool
) -> dict[str, Any]:
    """A comparison for programs: second less first, as the mean over pairs of runs and its 95 %
    confidence interval; null where there is a single pair."""
    differences = {
        "finish_seconds": comparison.finish_difference(),
        **{name: comparison.difference(attrgetter(name)) for name in _FIGURES},
        "cost_millionths": comparison.cost_difference(),
    }
    return {
        "first": outcome_report(rehearsals[0], comparison.first),
        "second": outcome_report(rehearsals[1], comparison.second),
        "same_recipients": alike,
        "differences": {
            name: None if one is None else _report(one) for name, one in differences.items()
        },
    }


def _rows(comparison: Comparison) -> Iterator[_Row]:
    def row(name: str, figure: str, less: str, more: str, unit: _Unit | None) -> _Row:
        outcomes = (comparison.first, comparison.second)
        first, second = (outcome.band_of(attrgetter(figure)).middle for outcome in outcomes)
        difference = comparison.difference(attrgetter(figure))
        return _Row(name, less, more, unit, (first, second), difference)

    if comparison.finish_difference() is not None:
        yield row("finish", "seconds", "sooner", "later", None)
    yield row("calls", "calls", "fewer calls", "more calls", _COUNT)
    yield row("people reached", "reached", "fewer people reached", "more people reached", _COUNT)
    yield row("talk", "talk_seconds", "less", "more", None)
    if comparison.cost_difference() is not None:
        money = _Unit(1_000_000, comparison.currency or "", 2)
        yield row("cost", "cost", "cheaper", "dearer", money)


def _in_words(row: _Row) -> str:
    """`5.2 hours sooner (4.9 to 5.6)`; where it may be either, `0.4 hours sooner (1.1 sooner to 0.3
    later)`."""
    mean, interval = row.difference.mean, row.difference.interval
    if not mean and (interval is None or interval.low == interval.high):
        return f"the same {row.name}"
    unit = _unit_of(row, mean)
    text = f"{unit.amount(mean)} {row.more if mean > 0 else row.less}"
    if interval is None:
        return text
    if row.difference.certain:
        ends = [unit.number(end) for end in sorted(interval, key=abs)]
    else:
        ways = (row.more if end > 0 else row.less for end in interval)
        ends = [
            f"{unit.number(end)} {way.split()[0]}" for end, way in zip(interval, ways, strict=True)
        ]
    return f"{text} ({ends[0]} to {ends[1]})"


def _unit_of(row: _Row, value: float) -> _Unit:
    if row.unit is not None:
        return row.unit
    return next((unit for unit in _DURATIONS if abs(value) >= 2 * unit.size), _DURATIONS[-1])


def _report(difference: Difference) -> dict[str, float | None]:
    interval = difference.interval
    return {
        "mean": difference.mean,
        "low": None if interval is None else interval.low,
        "high": None if interval is None else interval.high,
    }
