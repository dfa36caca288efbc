"""A launch beside the bands of its rehearsal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import CallStatus
from outdial.domain.report.fold import ReportFold
from outdial.domain.report.rehearsed import (
    RehearsedBand,
    RehearsedCampaign,
    compare_with_rehearsal,
)
from outdial.domain.report.report import BandComparison, BandPlace, CampaignReport
from outdial.domain.report.tables import tables_of
from outdial.domain.report.wording import comparison_notes, show_comparison
from tests.domain.test_report import NOW, call, header, person

HOUR = timedelta(hours=1)
PEOPLE = 10


def report(**changes: Any) -> CampaignReport:
    """Of ten people, of whom one was reached in each of the first four hours."""
    over = {"state": CampaignState.FINISHED, "finished_at": NOW + 6 * HOUR}
    fold = ReportFold(header(**(over | changes)))
    for at in range(PEOPLE):
        begun = NOW + at * HOUR
        reached = at < 4
        fold.add(
            [
                person(
                    call(
                        created_at=begun,
                        placed_at=begun,
                        ended_at=begun + timedelta(minutes=2),
                        answered_at=begun + timedelta(seconds=9) if reached else None,
                        status=CallStatus.COMPLETED if reached else CallStatus.NO_ANSWER,
                        outcome="completed" if reached else "no_answer",
                        cost=0.5,
                    )
                )
            ]
        )
    return fold.report(changes.get("made_at", NOW + 20 * HOUR))


def rehearsed(**changes: Any) -> RehearsedCampaign:
    values: dict[str, Any] = {
        "campaign": "reminder",
        "start": NOW,
        "seeds": list(range(5)),
        "recipients": PEOPLE,
        "finish": {"p10": NOW + 5 * HOUR, "p50": NOW + 6 * HOUR, "p90": NOW + 7 * HOUR},
        "unfinished_runs": 0,
        "calls": {"p10": 11, "p50": 12, "p90": 13},
        "reached": {"p10": 3, "p50": 4, "p90": 5},
        "reached_share": {"p10": 0.1, "p50": 0.2, "p90": 0.3},
        "cost_millionths": {"p10": 4_000_000, "p50": 4_500_000, "p90": 5_000_000},
        "reached_over_time": [
            {"at": NOW + HOUR, "p10": 0.0, "p50": 0.1, "p90": 0.2},
            {"at": NOW + 2 * HOUR, "p10": 0.3, "p50": 0.4, "p90": 0.5},
            {"at": NOW + 8 * HOUR, "p10": 0.1, "p50": 0.2, "p90": 0.3},
        ],
        "calls_by_line": {"main": 12},
    }
    return RehearsedCampaign.model_validate(values | changes)


def compared(made: CampaignReport, before: RehearsedCampaign) -> BandComparison:
    comparison = compare_with_rehearsal(made, before).rehearsal
    assert comparison is not None
    return comparison


@given(st.lists(st.floats(0, 100), min_size=3, max_size=3).map(sorted), st.floats(0, 100))
def test_a_value_lies_inside_between_the_outer_percentiles(
    percentiles: list[float], value: float
) -> None:
    low, middle, high = percentiles
    place = RehearsedBand(p10=low, p50=middle, p90=high).place_of(value)
    assert (place is BandPlace.INSIDE) == (low <= value <= high)
    assert (place is BandPlace.BELOW) == (value < low)


def test_figures_lie_below_inside_and_above() -> None:
    places = {
        each.name: (each.real, each.place) for each in compared(report(), rehearsed()).figures
    }
    assert places == {
        "calls": (10, BandPlace.BELOW),
        "people_reached": (4, BandPlace.INSIDE),
        "share_reached": (0.4, BandPlace.ABOVE),
        "hours_to_finish": (6, BandPlace.INSIDE),
        "cost_millionths": (5_000_000, BandPlace.INSIDE),
    }


def test_the_share_reached_is_compared_hour_by_hour() -> None:
    hours = compared(report(), rehearsed()).hours
    assert [(each.real, each.place) for each in hours] == [
        (0.1, BandPlace.INSIDE),
        (0.2, BandPlace.BELOW),
        (0.4, BandPlace.ABOVE),
    ]


def test_of_a_launch_that_goes_on_only_hours_that_have_passed_are_compared() -> None:
    going_on = report(
        state=CampaignState.RUNNING, finished_at=None, made_at=NOW + timedelta(hours=2, minutes=9)
    )
    comparison = compared(going_on, rehearsed())
    assert {each.place for each in comparison.figures} == {None}
    assert [each.real for each in comparison.hours] == [0.1, 0.2]
    assert any("goes on" in note for note in comparison_notes(going_on, comparison))
    earlier = report(state=CampaignState.RUNNING, finished_at=None, launches=2)
    places = {each.name: each.place for each in compared(earlier, rehearsed()).figures}
    assert places.pop("hours_to_finish") is None, "an earlier launch doesn't say when it ended"
    assert None not in places.values()


@pytest.mark.parametrize("apart", [timedelta(hours=-2), timedelta(hours=3)])
def test_hours_are_not_compared_with_those_of_another_time_of_day(apart: timedelta) -> None:
    made = report()
    comparison = compared(made, rehearsed(start=NOW + apart))
    assert (comparison.hours_compare, comparison.hours) == (False, [])
    assert "hours_to_finish" not in {each.name for each in comparison.figures}
    assert any("different time" in note for note in comparison_notes(made, comparison))


def test_what_no_run_came_to_is_not_compared() -> None:
    names = [
        each.name
        for each in compared(report(), rehearsed(unfinished_runs=1, cost_millionths=None)).figures
    ]
    assert names == ["calls", "people_reached", "share_reached"]


def test_a_total_that_lacks_prices_has_no_place() -> None:
    """It is less than what was paid, so that it would look cheap."""
    made = report()
    costs = made.costs.model_copy(update={"answered_without_price": 1})
    comparison = compared(made.model_copy(update={"costs": costs}), rehearsed())
    [cost] = [each for each in comparison.figures if each.name == "cost_millionths"]
    assert (cost.real, cost.place) == (5_000_000, None)


def test_it_is_shown_in_the_units_of_each_figure() -> None:
    made = compare_with_rehearsal(report(), rehearsed(recipients=12))
    assert made.rehearsal is not None
    rows = {row[0]: row[1:] for row in show_comparison(made.rehearsal).rows}
    assert rows["calls"] == ("11", "12", "13", "10", "below the band")
    assert rows["share reached"] == ("10.0%", "20.0%", "30.0%", "40.0%", "above the band")
    assert rows["hours to finish"] == ("5.0", "6.0", "7.0", "6.0", "inside")
    assert rows["cost"] == ("4.00", "4.50", "5.00", "5.00", "inside")
    notes = " ".join(comparison_notes(made, made.rehearsal))
    assert "had 12 recipients, and this launch has 10" in notes
    assert "inside the band at 1 of 3 hours; first below it at Wed 2026-03-04 17:00Z" in notes
    tables = {table.name: table.rows for table in tables_of(made)}
    assert ("cost", 4.0, 4.5, 5.0, 5.0, "inside") in tables["rehearsal"]
    assert len(tables["rehearsal_hours"]) == 3


def test_without_a_rehearsal_its_tables_are_empty() -> None:
    tables = {table.name: table.rows for table in tables_of(report())}
    assert (list(tables["rehearsal"]), list(tables["rehearsal_hours"])) == ([], [])
