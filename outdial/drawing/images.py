"""Charts as SVG that a page takes in, and as PNG."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

from outdial.drawing.charts import Chart
from outdial.drawing.figures import draw
from outdial.drawing.palette import LIGHT, PLACEHOLDER, VARIABLES

_DPI = 160
_BEFORE = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_SIZE = re.compile(r'(<svg[^>]*?) (?:width|height)="[^"]*"')
_TAG = re.compile("<[^>]*>")
_FAMILY = re.compile(r"(font(?:-family)?:[^;\"]*?)'[^;\"]*")
_ID = re.compile(r'\bid="')
_REFERENCE = re.compile(r'((?:xlink:)?href="|url\()#')
_COLOR = re.compile("|".join(VARIABLES))


def draw_svg(chart: Chart, name: str) -> str:
    """An `svg` element as wide as its place on the page, in the colours of the page's style sheet.

    `name` is its own on the page: ids begin with it.
    """
    with _settings(name):
        figure = draw(chart, PLACEHOLDER)
        written = io.StringIO()
        figure.savefig(written, format="svg", transparent=True)
    svg = _METADATA.sub("", _BEFORE.sub("", written.getvalue(), count=1))
    svg = _SIZE.sub(r"\1", _SIZE.sub(r"\1", svg, count=1), count=1)
    svg = _TAG.sub(lambda tag: _on_page(tag[0], name), svg)
    title, summary = escape(chart.title), escape(chart.summary)
    opening = (
        f'<svg role="img" aria-labelledby="{name}-title {name}-summary"',
        f'<title id="{name}-title">{title}</title><desc id="{name}-summary">{summary}</desc>',
    )
    head, _, rest = svg.partition(">")
    return f"{opening[0]}{head.removeprefix('<svg')}>{opening[1]}{rest}".strip()


def _on_page(tag: str, name: str) -> str:
    """A tag with the font, the colours and the ids of its page. What stands between tags is text
    that somebody wrote, and stays as it is."""
    tag = _FAMILY.sub(r"\1var(--font)", tag)
    tag = _ID.sub(f'id="{name}-', tag)
    tag = _REFERENCE.sub(rf"\1#{name}-", tag)
    return _COLOR.sub(lambda color: VARIABLES[color[0]], tag)


def draw_png(chart: Chart) -> bytes:
    """The chart under its title, in light colours."""
    with _settings(chart.title):
        figure = draw(chart, LIGHT)
        figure.suptitle(chart.title, color=LIGHT.ink, fontsize=11, x=0.01, ha="left")
        written = io.BytesIO()
        figure.savefig(written, format="png", dpi=_DPI, facecolor=LIGHT.paper)
    return written.getvalue()


@contextmanager
def _settings(name: str) -> Iterator[None]:
    """Text stays text, dollars and all, and ids are the same each time."""
    from matplotlib import rc_context

    settings: Any = {
        "font.family": "DejaVu Sans",
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "text.parse_math": False,
    }
    with rc_context(settings):
        yield
