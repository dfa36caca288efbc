"""The hours of a week: exactly those in which every layer is open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from outdial.domain.call.plan import CallPlan
from outdial.domain.clocks import load_zone
from outdial.domain.decision.conditions import Conditions, conditions_of
from outdial.domain.decision.windows import week_windows
from outdial.domain.rules.rulebook import Block, Rulebook, shipped_rulebook
from tests.builders import NOW, definition
from tests.generating import examples

ZONES = ("America/New_York", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Auckland")
HOURS = ("00:00-24:00", "09:00-18:00", ["08:30-11:00", "12:00-20:15"], "20:00-02:00")
QUARTER = timedelta(minutes=15)


def conditions(*zones: str, jurisdictions: tuple[str, ...] = (), **changes: Any) -> Conditions:
    plan = CallPlan.of(definition(**changes))
    return conditions_of(plan, shipped_rulebook(), zones, jurisdictions)


def test_a_week_in_words() -> None:
    schedule = {"hours": "09:00-18:00", "days": ["mon", "tue", "wed", "thu", "fri"]}
    week = week_windows(conditions(ZONES[0], schedule=schedule), NOW, ZONES[0])
    assert str(week) == "mon-fri 09:00-18:00, sat-sun closed"
    assert week.open_time == timedelta(hours=45)
    assert [day.day.isoformat() for day in week.days][:2] == ["2026-03-04", "2026-03-05"]


def test_rules_and_other_zones_narrow_it() -> None:
    """Rhode Island's statute: Monday to Friday until 18:00, Saturday until 17:00."""
    week = week_windows(
        conditions(ZONES[0], jurisdictions=("US-RI",), purpose="telemarketing"), NOW, ZONES[0]
    )
    assert str(week) == "mon-fri 09:00-18:00, sat 10:00-17:00, sun closed"
    both = conditions(*ZONES[:2], schedule={"hours": "09:00-18:00"})
    assert week_windows(both, NOW, ZONES[0]).days[0].hours == ("12:00-18:00",)
    assert week_windows(both, NOW, ZONES[1]).days[0].hours == ("09:00-15:00",)


def test_what_is_blocked_is_closed() -> None:
    """It is Wednesday; until the end of Friday, then beyond the week."""
    plan = CallPlan.of(definition(schedule={"hours": "09:00-18:00"}))
    for days, hours in ((3, 4 * 9), (9, 0)):
        until = datetime(2026, 3, 4, 5, tzinfo=UTC) + timedelta(days=days)
        rulebook = Rulebook(blocks=[Block(jurisdiction="US-NY", until=until, reason="storm")])
        of = conditions_of(plan, rulebook, ZONES[:1], ("US-NY",))
        assert week_windows(of, NOW, ZONES[0]).open_time == timedelta(hours=hours)


@settings(max_examples=examples(30))
@given(
    zones=st.lists(st.sampled_from(ZONES), min_size=1, max_size=2, unique=True),
    hours=st.sampled_from(HOURS),
    start=st.datetimes(datetime(2026, 2, 20), datetime(2026, 12, 1)),
)
def test_it_holds_the_instants_at_which_a_call_may_start(
    zones: list[str], hours: object, start: datetime
) -> None:
    """No more and no less, over changes of the clocks, too."""
    of = conditions(*zones, schedule={"hours": hours, "guard": "0m"})
    zone, begin = zones[0], start.replace(minute=0, second=0, microsecond=0, tzinfo=UTC)
    week = week_windows(of, begin, zone)
    spans = {day.day: day.spans for day in week.days}
    open_quarters = 0
    for quarter in range(-4 * 24, 4 * 24 * 9):
        at = begin + quarter * QUARTER
        local = at.astimezone(load_zone(zone))
        if local.date() not in spans:
            continue
        opening = of.opening(at)
        if opening is not None and opening[0] == at:
            open_quarters += 1
            minute = local.hour * 60 + local.minute
            assert any(first <= minute < last for first, last in spans[local.date()]), local
    assert week.open_time == open_quarters * QUARTER
