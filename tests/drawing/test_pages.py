"""Pages hold all that they show, and ask no host for anything; charts on them are accessible."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from outdial.domain.call.status import AnsweredBy, CallStatus
from outdial.domain.report.facts import ReportedPerson
from outdial.domain.report.fold import ReportFold
from outdial.domain.report.rehearsed import compare_with_rehearsal
from outdial.domain.report.report import CampaignReport
from outdial.drawing.charts import (
    Bar,
    BarChart,
    Chart,
    HeatMap,
    Series,
    TimeBars,
    TimeLines,
)
from outdial.drawing.images import draw_png, draw_svg
from outdial.drawing.page import Page, PageTable, Section, Tile, write_page
from outdial.drawing.palette import PLACEHOLDER
from outdial.drawing.report_page import report_page
from tests.domain.test_rehearsed import rehearsed
from tests.domain.test_rehearsed import report as launch_report
from tests.domain.test_report import NOW, ZONES, call, header, person

NASTY = """<b>$x$</b> & "c" $ font: it's"""
REFERENCES = """id="d" href="#e" url(#f)"""
TIMES = [NOW + timedelta(hours=hour) for hour in range(5)]
CHARTS: list[Chart] = [
    BarChart("Bars", "1 and 2", [Bar("one", 1), Bar(NASTY, 0.5, 0.4, 0.7, "50 %")], percent=True),
    BarChart("No bars", "nothing", []),
    TimeBars("Bars over time", "few", TIMES, 3600, [Series("a", range(5)), Series("b", range(5))]),
    TimeBars("One hour", "one", TIMES[:1], 3600, [Series("a", [1])]),
    TimeLines("Lines", "up", TIMES, [Series("a", [0, 1, 2, 3, 4], [0] * 5, [5] * 5)]),
    TimeLines("One instant", "one", TIMES[:1], [Series("a", [0.5])], percent=True),
    HeatMap("Cells", "one", ["r"], ["8", "9"], [[0.25, None]], [["25%", ""]], x_label="hour"),
    HeatMap("No cells", "none", [], [], [], []),
]


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: Counter[str] = Counter()
        self.references: list[str] = []
        self.drawings: list[dict[str, str | None]] = []
        self.titled = 0
        self.names: Counter[str] = Counter()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.names[tag] += 1
        if given.get("id"):
            self.ids[given["id"] or ""] += 1
        for name, value in attrs:
            if name in ("href", "xlink:href", "src"):
                self.references.append(value or "")
            self.references += [f"#{each}" for each in re.findall(r"url\(#([^)]*)\)", value or "")]
        if tag == "svg":
            self.drawings.append(given)

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def elements(html: str) -> _Elements:
    parser = _Elements()
    parser.feed(html)
    parser.close()
    return parser


def is_self_contained(html: str) -> _Elements:
    """No reference leads out of the page, and all lead somewhere in it."""
    there = elements(html)
    assert [name for name, count in there.ids.items() if count > 1] == []
    for reference in there.references:
        assert reference.startswith("data:") or reference.removeprefix("#") in there.ids, reference
    assert not there.names.keys() & {"script", "iframe", "object", "img", "image", "embed"}
    addresses = set(re.findall(r"\w+://[^\s\"'<]+", html))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "@import" not in html
    return there


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.title)
def test_a_chart_is_an_element_in_the_colours_of_its_page(chart: Chart) -> None:
    svg = draw_svg(chart, "c0")
    assert svg.startswith("<svg ")
    assert svg.endswith("</svg>")
    assert not any(color in svg for color in (PLACEHOLDER.ink, *PLACEHOLDER.series))
    assert "DejaVu" not in svg
    there = is_self_contained(svg)
    [drawing] = there.drawings
    assert (drawing["role"], drawing["aria-labelledby"]) == ("img", "c0-title c0-summary")
    assert "width" not in drawing
    assert "viewbox" in drawing
    assert {"c0-title", "c0-summary"} <= there.ids.keys()
    assert svg == draw_svg(chart, "c0"), "the same each time"


def test_a_text_is_drawn_as_it_was_written() -> None:
    """Whatever in it looks like a font, an id or a reference."""
    chart = BarChart("Bars", "two", [Bar(NASTY, 1), Bar(REFERENCES, 2)])
    assert {NASTY, REFERENCES} <= {*elements(draw_svg(chart, "c0")).texts}


@pytest.mark.parametrize("chart", CHARTS[:1], ids=lambda chart: chart.title)
def test_a_chart_is_an_image(chart: Chart) -> None:
    assert draw_png(chart).startswith(b"\x89PNG\r\n")


def test_a_page_is_self_contained_and_escapes_what_it_is_given() -> None:
    table = PageTable(NASTY, [NASTY, "n"], [False, True], [[NASTY, "1"]])
    page = Page(
        title=NASTY,
        lines=[NASTY],
        tiles=[Tile(NASTY, "1", NASTY)],
        sections=[Section(NASTY, NASTY, CHARTS, [table]), Section("Second", "", CHARTS[:1])],
    )
    html = write_page(page)
    assert "<b>$x$</b>" not in html
    there = is_self_contained(html)
    assert len(there.drawings) == len(CHARTS) + 1
    assert "prefers-color-scheme: dark" in html
    assert "width=device-width" in html


def test_the_page_of_a_report_shows_its_figures() -> None:
    html = write_page(report_page(report(30)))
    there = is_self_contained(html)
    assert len(there.drawings) > 8
    for text in ("reminder: report", "Attempts by hour", "America/New_York", "right outcome"):
        assert text in html, text


def test_the_page_of_a_launch_without_calls_is_drawn() -> None:
    html = write_page(report_page(report(0)))
    assert "reminder: report" in html
    is_self_contained(html)


def test_the_page_of_a_launch_beside_its_rehearsal_shows_both() -> None:
    made = compare_with_rehearsal(launch_report(), rehearsed())
    html = write_page(report_page(made))
    is_self_contained(html)
    for text in ("Against the rehearsal", "this launch", "above the band"):
        assert text in html, text


def test_a_long_campaign_is_drawn_by_day() -> None:
    assert "Attempts by day" in write_page(report_page(report(30, hours=24)))


def report(people: int, hours: int = 1) -> CampaignReport:
    fold = ReportFold(header())
    fold.add(_roster(people, hours))
    return fold.report(datetime(2026, 4, 1, tzinfo=UTC))


def _roster(people: int, hours: int) -> Sequence[ReportedPerson]:
    answers = (AnsweredBy.HUMAN, AnsweredBy.MACHINE, AnsweredBy.SCREENER)
    return [
        person(
            call(
                attempt=1 + at % 3,
                line=("main", "spare")[at % 2],
                agent=("agent-1", NASTY)[at % 2],
                status=CallStatus.COMPLETED if at % 4 else CallStatus.NO_ANSWER,
                answered_at=NOW if at % 4 else None,
                answered_by=answers[at % 3],
                placed_at=NOW + timedelta(hours=at * hours),
                created_at=NOW + timedelta(hours=at * hours),
            ),
            zone=ZONES[at % len(ZONES)],
        )
        for at in range(people)
    ]
