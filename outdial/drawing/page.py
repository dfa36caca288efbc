"""Pages: one HTML file that holds all it shows, and asks no host for anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from outdial.drawing.charts import Chart
from outdial.drawing.images import draw_svg
from outdial.drawing.palette import DARK, LIGHT, style_of

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure at the top of a page."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class PageTable:
    title: str
    columns: Sequence[str]
    right: Sequence[bool]
    """Columns that are aligned to the right."""
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    text: str = ""
    charts: Sequence[Chart] = ()
    tables: Sequence[PageTable] = ()


@dataclass(frozen=True, slots=True)
class Page:
    title: str
    lines: Sequence[str] = ()
    """Below the title."""
    tiles: Sequence[Tile] = ()
    sections: Sequence[Section] = field(default_factory=list)


def write_page(page: Page) -> str:
    """The page as HTML, its charts drawn."""
    drawn = [
        [(chart, draw_svg(chart, f"c{at}-{index}")) for index, chart in enumerate(section.charts)]
        for at, section in enumerate(page.sections)
    ]
    return _template().render(page=page, drawn=drawn, light=style_of(LIGHT), dark=style_of(DARK))


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")
