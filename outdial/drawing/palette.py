"""Colours of charts. On a page they are variables of its style sheet, so that one drawing serves
light and dark."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Palette:
    ink: str
    muted: str
    grid: str
    paper: str
    """Behind what is drawn, and between bars."""
    series: tuple[str, ...]


SERIES = 7
"""Series that can be told apart by their colours."""

LIGHT = Palette(
    ink="#1b1f24",
    muted="#57606a",
    grid="#d8dee4",
    paper="#ffffff",
    series=("#1f6feb", "#d9730d", "#2da44e", "#8250df", "#bf3989", "#0a7ea4", "#8c959f"),
)
DARK = Palette(
    ink="#e6edf3",
    muted="#9aa4af",
    grid="#30363d",
    paper="#0d1117",
    series=("#58a6ff", "#f0883e", "#3fb950", "#bc8cff", "#f778ba", "#39c5cf", "#8b949e"),
)
PLACEHOLDER = Palette(
    ink="#010101",
    muted="#010102",
    grid="#010103",
    paper="#010104",
    series=tuple(f"#01020{at}" for at in range(SERIES)),
)
"""Drawn with, and then replaced by the variables of `VARIABLES`."""


def _named(palette: Palette) -> dict[str, str]:
    names = {name: getattr(palette, name) for name in ("ink", "muted", "grid", "paper")}
    return names | {f"series-{at}": color for at, color in enumerate(palette.series)}


VARIABLES = {color: f"var(--{name})" for name, color in _named(PLACEHOLDER).items()}
"""The variable in place of each placeholder."""


def style_of(palette: Palette) -> str:
    """The variables of a palette as declarations of a style sheet."""
    return " ".join(f"--{name}: {color};" for name, color in _named(palette).items())
