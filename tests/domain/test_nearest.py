"""Times that are offered instead of one at which no call may be made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from outdial.domain.decision.decision import Candidate, Dial, Ledger
from outdial.domain.decision.nearest import NearestTimes, nearest_times
from outdial.domain.decision.planner import decide
from outdial.domain.definition.purpose import Purpose
from outdial.domain.rules.rulebook import shipped_rulebook
from tests.domain.deciding import plan

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)  # a Wednesday; 10:00 in New York
RULES = shipped_rulebook()
PERSON = Candidate(("America/New_York",))


def nearest(at: datetime, ledger: Ledger | None = None, **changes: object) -> NearestTimes | None:
    schedule = {"hours": "09:00-18:00"} | changes
    asked = plan(Purpose.INFORMATIONAL, schedule=schedule)
    return nearest_times(PERSON, asked, ledger or Ledger(), at, NOW, RULES)


def test_within_the_hours_there_is_nothing_to_offer() -> None:
    assert nearest(NOW + timedelta(hours=1)) is None


def test_after_the_hours_the_last_quarter_before_and_the_next_opening() -> None:
    offered = nearest(datetime(2026, 3, 5, 1, 0, tzinfo=UTC))  # 20:00
    assert offered is not None
    assert offered.reason.code == "outside_hours"
    assert offered.times == (
        datetime(2026, 3, 4, 22, 45, tzinfo=UTC),  # 17:45
        datetime(2026, 3, 5, 14, 0, tzinfo=UTC),  # 09:00
    )


def test_nothing_before_now_and_nothing_after_the_end() -> None:
    early = nearest(NOW - timedelta(hours=2), hours="10:30-18:00")
    assert early is not None
    assert early.times == (datetime(2026, 3, 4, 15, 30, tzinfo=UTC),)
    late = nearest(NOW + timedelta(days=9), end=NOW + timedelta(days=1))
    assert late is not None
    assert late.times == ()


def test_on_a_day_that_is_used_up_the_next_is_offered() -> None:
    asked = plan(
        Purpose.INFORMATIONAL,
        schedule={"hours": "09:00-18:00"},
        retry={"max_attempts": 5, "max_attempts_per_day": 1},
    )
    offered = nearest_times(PERSON, asked, Ledger((NOW,)), NOW + timedelta(hours=2), NOW, RULES)
    assert offered is not None
    assert offered.reason.code == "max_attempts_per_day"
    assert offered.times == (datetime(2026, 3, 5, 14, 0, tzinfo=UTC),)


def test_after_the_campaigns_end_the_last_quarter_before_it() -> None:
    ends = datetime(2026, 3, 5, 16, 10, tzinfo=UTC)
    for at in (ends, ends + timedelta(hours=2), ends + timedelta(days=5)):
        offered = nearest(at, end=ends)
        assert offered is not None
        assert offered.reason.code == "campaign_ends_first"
        assert offered.times == (datetime(2026, 3, 5, 15, 45, tzinfo=UTC),)


@given(
    ahead=st.timedeltas(timedelta(minutes=1), timedelta(days=20)),
    opens=st.integers(0, 22),
    minute=st.sampled_from([0, 7]),
    length=st.integers(1, 10),
    guard=st.sampled_from(["0s", "60s", "20m"]),
    days=st.sets(st.sampled_from(["mon", "wed", "fri", "sat"]), min_size=1),
    called=st.lists(st.timedeltas(timedelta(0), timedelta(days=2)), max_size=2),
)
def test_what_is_offered_may_be_called_as_it_is_spoken(
    ahead: timedelta,
    opens: int,
    minute: int,
    length: int,
    guard: str,
    days: set[str],
    called: list[timedelta],
) -> None:
    schedule = {
        "hours": f"{opens:02}:{minute:02}-{min(opens + length, 24):02}:00",
        "guard": guard,
        "days": sorted(days),
    }
    caps = [{"calls": 1, "within": "3d"}]
    asked, at = plan(Purpose.INFORMATIONAL, schedule=schedule, caps=caps), NOW + ahead
    ledger = Ledger(tuple(sorted(NOW - each for each in called)))
    offered = nearest_times(PERSON, asked, ledger, at, NOW, RULES)

    def allowed(instant: datetime) -> bool:
        return isinstance(decide(PERSON, asked, ledger, instant, RULES), Dial)

    if offered is None:
        assert allowed(at)
        return
    assert not allowed(at)
    assert offered.times
    # As they are said: in whole minutes.
    spoken = [each.replace(second=0, microsecond=0) for each in offered.times]
    assert all(allowed(each) and each > NOW for each in spoken)
    assert spoken == list(offered.times)
    after = offered.times[-1]
    assert after > at
    assert not allowed(after - timedelta(minutes=15))
    assert all(each < at and each.minute % 15 == 0 for each in offered.times[:-1])


def test_the_end_of_a_rolling_cap_is_offered_as_a_whole_quarter() -> None:
    caps = [{"calls": 1, "within": "4h"}]
    asked = plan(Purpose.INFORMATIONAL, schedule={"hours": "09:00-18:00"}, caps=caps)
    called = NOW + timedelta(minutes=-1, seconds=33)  # again at 13:59:33 in New York
    late = called + timedelta(minutes=8)
    for each, quarter in ((called, 0), (late, 15)):
        offered = nearest_times(
            PERSON, asked, Ledger((each,)), NOW + timedelta(hours=1), NOW, RULES
        )
        assert offered is not None
        assert offered.times == (datetime(2026, 3, 4, 19, quarter, tzinfo=UTC),)


def test_hours_without_a_whole_quarter_are_offered_by_the_minute() -> None:
    offered = nearest(NOW + timedelta(hours=12), hours="09:05-09:10", guard="0s")
    assert offered is not None
    assert offered.times == (datetime(2026, 3, 5, 14, 5, tzinfo=UTC),)
