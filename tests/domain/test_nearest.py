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


@given(
    ahead=st.timedeltas(timedelta(minutes=1), timedelta(days=20)),
    opens=st.integers(0, 22),
    length=st.integers(1, 10),
    guard=st.sampled_from(["0s", "60s", "20m"]),
    days=st.sets(st.sampled_from(["mon", "wed", "fri", "sat"]), min_size=1),
)
def test_what_is_offered_may_be_called(
    ahead: timedelta, opens: int, length: int, guard: str, days: set[str]
) -> None:
    schedule = {
        "hours": f"{opens:02}:00-{min(opens + length, 24):02}:00",
        "guard": guard,
        "days": sorted(days),
    }
    asked, at = plan(Purpose.INFORMATIONAL, schedule=schedule), NOW + ahead
    offered = nearest_times(PERSON, asked, Ledger(), at, NOW, RULES)

    def allowed(instant: datetime) -> bool:
        return isinstance(decide(PERSON, asked, Ledger(), instant, RULES), Dial)

    if offered is None:
        assert allowed(at)
        return
    assert not allowed(at)
    assert offered.times
    assert all(allowed(each) and each > NOW for each in offered.times)
    after = offered.times[-1]
    assert after > at
    assert not allowed(after - timedelta(seconds=1))
    assert all(each < at and each.minute % 15 == 0 for each in offered.times[:-1])
