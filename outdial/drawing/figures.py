"""Draws charts with matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from outdial.drawing.charts import BarChart, Chart, HeatMap, Series, TimeBars, TimeLines
from outdial.drawing.palette import Palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 7.2
"""Inches; at 100 points an inch a phone shows text of 10 points at about half that size."""
_TIME_HEIGHT = 2.8
_BAR_HEIGHT = 0.32
_CELL_HEIGHT = 0.34
_FONT = 10
_BAND = 0.22
_LONGEST_NAME = 34


def draw(chart: Chart, palette: Palette) -> Figure:
    """The chart as a figure of matplotlib, without its title."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, _height(chart)), layout="constrained")
    axes = figure.add_subplot()
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    _plain(axes, palette)
    if isinstance(chart, BarChart):
        _bars(axes, chart, palette)
    elif isinstance(chart, TimeBars):
        _time_bars(axes, chart, palette)
    elif isinstance(chart, TimeLines):
        _time_lines(axes, chart, palette)
    else:
        _heat_map(axes, chart, palette)
    return figure


def _height(chart: Chart) -> float:
    if isinstance(chart, BarChart):
        return 0.6 + _BAR_HEIGHT * max(1, len(chart.bars))
    if isinstance(chart, HeatMap):
        return 0.9 + _CELL_HEIGHT * max(1, len(chart.rows))
    return _TIME_HEIGHT + (0.25 if len(chart.series) > 1 else 0)


def _plain(axes: Axes, palette: Palette) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(palette.grid)
    axes.tick_params(colors=palette.muted, labelcolor=palette.ink, labelsize=_FONT, length=0)
    axes.set_axisbelow(True)


def _percent(axes: Axes, *, across: bool) -> None:
    from matplotlib.ticker import PercentFormatter

    axis = axes.xaxis if across else axes.yaxis
    axis.set_major_formatter(PercentFormatter(1.0, decimals=None))


def _counts(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


# --- bars ---------------------------------------------------------------------------------------


def _bars(axes: Axes, chart: BarChart, palette: Palette) -> None:
    places = range(len(chart.bars))
    values = [bar.value for bar in chart.bars]
    axes.barh(places, values, height=0.66, color=palette.series[0])
    longest = max([bar.high or bar.value for bar in chart.bars], default=0) or 1
    for place, bar in zip(places, chart.bars, strict=True):
        if bar.low is not None and bar.high is not None:
            axes.plot([bar.low, bar.high], [place, place], color=palette.ink, linewidth=1.4)
        text = bar.note or (f"{bar.value:.1%}" if chart.percent else f"{bar.value:,.0f}")
        end = max(bar.high or 0, bar.value) + longest * 0.015
        axes.text(end, place, text, va="center", fontsize=_FONT, color=palette.ink)
    axes.set_yticks(list(places), [_short(bar.name) for bar in chart.bars])
    axes.set_ylim(len(chart.bars) - 0.4, -0.6)
    axes.set_xlim(0, longest * 1.3)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


# --- over time ----------------------------------------------------------------------------------


def _time_bars(axes: Axes, chart: TimeBars, palette: Palette) -> None:
    below = [0.0] * len(chart.times)
    width = timedelta(seconds=chart.seconds)
    for at, series in enumerate(chart.series):
        axes.bar(
            list(chart.times),  # type: ignore[arg-type]  # instants are converted
            series.values,
            width=width,  # type: ignore[arg-type]
            bottom=below,
            align="edge",
            color=palette.series[at % len(palette.series)],
            edgecolor=palette.paper,
            linewidth=0.3,
            label=series.name,
        )
        below = [low + value for low, value in zip(below, series.values, strict=True)]
    _counts(axes)
    _over_time(axes, palette, chart.series)


def _time_lines(axes: Axes, chart: TimeLines, palette: Palette) -> None:
    times = list(chart.times)
    for at, series in enumerate(chart.series):
        color = palette.series[at % len(palette.series)]
        if series.low is not None and series.high is not None:
            axes.fill_between(
                times,  # type: ignore[arg-type]
                series.low,
                series.high,
                color=color,
                alpha=_BAND,
                linewidth=0,
                step="post" if chart.steps else None,
            )
        axes.plot(
            times,  # type: ignore[arg-type]
            series.values,
            color=color,
            linewidth=1.8,
            label=series.name,
            drawstyle="steps-post" if chart.steps else "default",
        )
    if chart.percent:
        _percent(axes, across=False)
    else:
        _counts(axes)
    axes.set_ylim(bottom=0)
    _over_time(axes, palette, chart.series)


def _over_time(axes: Axes, palette: Palette, series: Sequence[Series]) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(tz=UTC, minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(locator, tz=UTC)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(formatter)
    axes.xaxis.get_offset_text().set_color(palette.muted)
    axes.yaxis.grid(visible=True, color=palette.grid, linewidth=0.6)
    if len(series) > 1:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=4,
            frameon=False,
            fontsize=_FONT - 1,
            labelcolor=palette.ink,
            borderaxespad=0,
            handlelength=1,
            columnspacing=1,
        )


# --- heat maps ----------------------------------------------------------------------------------


def _heat_map(axes: Axes, chart: HeatMap, palette: Palette) -> None:
    from matplotlib.patches import Rectangle

    most = max((cell for row in chart.cells for cell in row if cell is not None), default=0) or 1
    for y, (cells, notes) in enumerate(zip(chart.cells, chart.notes, strict=True)):
        for x, (cell, note) in enumerate(zip(cells, notes, strict=True)):
            if cell is None:
                continue
            strength = 0.06 + 0.64 * cell / most
            square = Rectangle(
                (x + 0.03, y + 0.04), 0.94, 0.92, facecolor=palette.series[0], alpha=strength
            )
            axes.add_patch(square)
            axes.text(
                x + 0.5,
                y + 0.5,
                note,
                ha="center",
                va="center",
                fontsize=_FONT - 2,
                color=palette.ink,
            )
    axes.set_xlim(0, max(1, len(chart.columns)))
    axes.set_ylim(max(1, len(chart.rows)), 0)
    axes.set_xticks([x + 0.5 for x in range(len(chart.columns))], list(chart.columns))
    axes.set_yticks([y + 0.5 for y in range(len(chart.rows))], list(chart.rows))
    axes.set_xlabel(chart.x_label, fontsize=_FONT, color=palette.muted)
    axes.set_ylabel(chart.y_label, fontsize=_FONT, color=palette.muted)
    axes.spines["bottom"].set_visible(False)
