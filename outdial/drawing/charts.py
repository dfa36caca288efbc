"""Charts as values: what is drawn, in figures and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    value: float
    low: float | None = None
    """Of an interval; both ends or none."""
    high: float | None = None
    note: str = ""
    """Written behind the bar; empty: the value."""


@dataclass(frozen=True, slots=True)
class BarChart:
    """Horizontal bars, from top to bottom."""

    title: str
    summary: str
    """The chart in a sentence, for who can't see it."""
    bars: Sequence[Bar]
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """Values over the instants of its chart, one each."""

    name: str
    values: Sequence[float]
    low: Sequence[float] | None = None
    """Of a band; both sides or none."""
    high: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class TimeBars:
    """Bars over time, those of several series on top of each other."""

    title: str
    summary: str
    times: Sequence[datetime]
    """When the hour, or the day, of each bar begins."""
    seconds: int
    """How long that is."""
    series: Sequence[Series]


@dataclass(frozen=True, slots=True)
class TimeLines:
    """Lines over time, each with its band if it has one."""

    title: str
    summary: str
    times: Sequence[datetime]
    series: Sequence[Series]
    percent: bool = False
    steps: bool = False
    """Values hold from their instant to the next."""


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Cells of which a darker one has more."""

    title: str
    summary: str
    rows: Sequence[str]
    columns: Sequence[str]
    cells: Sequence[Sequence[float | None]]
    """By row; None where there is nothing."""
    notes: Sequence[Sequence[str]]
    """What is written in each cell."""
    x_label: str = ""
    y_label: str = ""


Chart = BarChart | TimeBars | TimeLines | HeatMap
