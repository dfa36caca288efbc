"""Cells of report tables in words, as a terminal and the page show them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from outdial.domain.codes import words
from outdial.domain.report.rate import Rate
from outdial.domain.report.report import (
    BandComparison,
    BandPlace,
    CampaignReport,
    ComparedFigure,
)
from outdial.domain.report.tables import Cell, ReportTable, money

_LOW, _HIGH = "_low", "_high"
_CODES = frozenset(
    {"outcome", "stage", "calls", "callback", "state", "status", "figure", "code", "kind", "by"}
)
"""Columns of codes, where those have no other meaning than their words."""
_MONEY = frozenset({"cost", "cost_per_call", "value"})


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A table in words. A share and its interval are one column."""

    name: str
    title: str
    columns: tuple[str, ...]
    right: tuple[bool, ...]
    """Columns of numbers, which are aligned to the right."""
    rows: Sequence[tuple[str, ...]]


def show_table(table: ReportTable) -> ShownTable:
    places = list(_places(table.columns))
    columns = [table.columns[first] for first, _ in places]
    rows = [
        tuple(
            _interval(row[first : first + width]) if width == 3 else show_cell(name, row[first])
            for name, (first, width) in zip(columns, places, strict=True)
        )
        for row in table.rows
    ]
    right = [
        width == 3 or any(isinstance(row[first], int | float) for row in table.rows)
        for first, width in places
    ]
    # A column in which nothing stands, such as costs where no call has a price, is left out.
    used = [at for at in range(len(columns)) if not rows or any(row[at] for row in rows)]
    return ShownTable(
        table.name,
        table.title,
        tuple(words(columns[at]) for at in used),
        tuple(right[at] for at in used),
        [tuple(row[at] for at in used) for row in rows],
    )


def _places(columns: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where each column begins, and how many make it up."""
    at = 0
    while at < len(columns):
        name = columns[at]
        whole = tuple(columns[at : at + 3]) == (name, name + _LOW, name + _HIGH)
        yield at, 3 if whole else 1
        at += 3 if whole else 1


def _interval(cells: Sequence[Cell]) -> str:
    share, low, high = cells
    if not isinstance(share, float) or not isinstance(low, float) or not isinstance(high, float):
        return ""
    return f"{share:.1%} ({low:.1%} to {high:.1%})"


def show_rate(rate: Rate) -> str:
    """`31.2% (28.0% to 34.5%)`; empty where it is of nothing."""
    return _interval((rate.share, rate.low, rate.high))


def show_cell(column: str, cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:,.2f}" if column in _MONEY else f"{cell:,.1f}"
    if isinstance(cell, int):
        return f"{cell:,}"
    return words(cell) if column in _CODES else cell


# --- against a rehearsal ------------------------------------------------------------------------


def show_comparison(compared: BandComparison) -> ShownTable:
    """The launch's figures beside the percentiles of its rehearsal."""
    rows = [
        (
            words(each.name.removesuffix("_millionths")),
            *(_figure(each, value) for value in (each.p10, each.p50, each.p90, each.real)),
            "" if each.place is None else _place(each.place),
        )
        for each in compared.figures
    ]
    columns = ("figure", "10%", "50%", "90%", "this launch", "")
    right = (False, True, True, True, True, False)
    return ShownTable("rehearsal", "Against the rehearsal", columns, right, rows)


def _figure(figure: ComparedFigure, value: float | None) -> str:
    if value is None:
        return ""
    if figure.name == "share_reached":
        return f"{value:.1%}"
    if figure.name == "cost_millionths":
        return f"{money(round(value)):,.2f}"
    return f"{value:,.1f}" if figure.name == "hours_to_finish" else f"{value:,.0f}"


def _place(place: BandPlace) -> str:
    return "inside" if place is BandPlace.INSIDE else f"{place} the band"


def comparison_notes(report: CampaignReport, compared: BandComparison) -> Iterator[str]:
    """What is to be kept in mind, and how many hours were inside the band."""
    runs = "1 run" if compared.runs == 1 else f"{compared.runs:,} runs"
    yield f"The rehearsal has {runs}, launched at {_clock(compared.start)}."
    if compared.recipients != report.funnel.enrolled:
        yield (
            f"It had {compared.recipients:,} recipients, and this launch has "
            f"{report.funnel.enrolled:,}: compare shares, not counts."
        )
    if not report.over:
        yield "The launch goes on, so that only hours that have passed are compared."
    if not compared.hours_compare:
        yield "It was launched at a different time from this launch, so hours are not compared."
    elif compared.hours:
        outside = [each for each in compared.hours if each.place is not BandPlace.INSIDE]
        inside = len(compared.hours) - len(outside)
        first = f"; first {outside[0].place} it at {_clock(outside[0].at)}" if outside else ""
        yield (
            f"The share of people reached was inside the band at {inside:,} of "
            f"{len(compared.hours):,} hours{first}."
        )


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%a %Y-%m-%d %H:%M}Z"
