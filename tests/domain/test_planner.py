"""May this person be called now?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from outdial.domain.call.plan import CallPlan
from outdial.domain.call.retry import Daypart, Retry
from outdial.domain.decision.conditions import hours_zones, is_open
from outdial.domain.decision.decision import Candidate, Dial, Ledger, Never, Wait
from outdial.domain.decision.planner import decide
from outdial.domain.definition.agent import Agent
from outdial.domain.definition.purpose import Purpose
from outdial.domain.definition.schedule import Schedule, TimeZonePolicy, Weekday, parse_span

NEW_YORK = ("America/New_York",)
RESOLUTION = timedelta(microseconds=1)
NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)  # Monday 12:00 in New York


def plan(**schedule: object) -> CallPlan:
    return CallPlan(
        purpose=Purpose.INFORMATIONAL,
        line="simulated",
        agent=Agent(id="a"),
        schedule=Schedule.model_validate(schedule),
        retry=Retry(max_attempts=3, max_attempts_per_day=2),
    )


def test_dials_inside_the_window_with_evidence() -> None:
    decision = decide(Candidate(NEW_YORK), plan(hours="09:00-18:00"), Ledger(), NOON)
    assert isinstance(decision, Dial)
    assert decision.closes_at == datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
    assert decision.evidence["local_times"] == {"America/New_York": "2026-03-02T12:00:00-05:00"}


def test_waits_for_the_opening_and_says_why() -> None:
    decision = decide(Candidate(NEW_YORK), plan(hours="13:00-18:00"), Ledger(), NOON)
    assert isinstance(decision, Wait)
    assert decision.until == NOON + timedelta(hours=1)
    assert decision.reason.code == "outside_hours"
    assert "Mon 12:00 in America/New_York" in decision.reason.text


def test_waits_for_its_time_then_for_the_window() -> None:
    later = NOON + timedelta(hours=8)  # 20:00, after hours
    decision = decide(
        Candidate(NEW_YORK, not_before=later), plan(hours="09:00-18:00"), Ledger(), NOON
    )
    assert decision == Wait(datetime(2026, 3, 3, 14, 0, tzinfo=UTC), decision.reason)  # type: ignore[union-attr]


def test_daily_limit_counts_the_local_day() -> None:
    today = Ledger((NOON - timedelta(hours=1), NOON - timedelta(hours=2)))
    yesterday = Ledger((NOON - timedelta(hours=13), NOON - timedelta(hours=14)))
    everyday = plan(hours="00:00-24:00")
    waiting = decide(Candidate(NEW_YORK), everyday, today, NOON)
    assert isinstance(waiting, Wait)
    assert waiting.until == datetime(2026, 3, 3, 5, 0, tzinfo=UTC)
    assert waiting.reason.code == "max_attempts_per_day"
    assert isinstance(decide(Candidate(NEW_YORK), everyday, yesterday, NOON), Dial)


def test_never_when_suppressed_spent_or_over() -> None:
    cases = {
        "suppressed": decide(Candidate(NEW_YORK, suppressed="asked"), plan(), Ledger(), NOON),
        "max_attempts": decide(Candidate(NEW_YORK, attempts=3), plan(), Ledger(), NOON),
        "campaign_ends_first": decide(
            Candidate(NEW_YORK),
            plan(hours="13:00-18:00", end="2026-03-02T12:30:00-05:00"),
            Ledger(),
            NOON,
        ),
        "window_never_opens": decide(
            Candidate(("Asia/Tokyo", *NEW_YORK)), plan(hours="09:00-10:00"), Ledger(), NOON
        ),
    }
    for code, decision in cases.items():
        assert isinstance(decision, Never)
        assert decision.reason.code == code


def test_campaign_policy_reads_hours_in_the_campaign_zone() -> None:
    berlin = plan(hours="18:00-19:00", time_zone="Europe/Berlin", time_zone_policy="campaign")
    assert isinstance(decide(Candidate(NEW_YORK), berlin, Ledger(), NOON), Dial)


schedules = st.builds(
    lambda start, length, days, policy: Schedule(
        days=tuple(sorted(days, key=lambda day: day.number)),
        hours=(parse_span(f"{start:02}:00-{min(start + length, 24):02}:00"),),
        time_zone_policy=policy,
        time_zone="Europe/Berlin",
    ),
    st.integers(0, 23),
    st.integers(1, 12),
    st.sets(st.sampled_from(Weekday), min_size=1),
    st.sampled_from(TimeZonePolicy),
)
candidates = st.builds(
    Candidate,
    zones=st.lists(
        st.sampled_from(["America/New_York", "America/Chicago", "Australia/Lord_Howe"]),
        min_size=1,
        max_size=2,
        unique=True,
    ).map(tuple),
    not_before=st.none() | st.integers(-100, 500).map(lambda h: NOON + timedelta(hours=h)),
)
ledgers = st.lists(st.integers(0, 90), max_size=3).map(
    lambda hours: Ledger(tuple(NOON - timedelta(hours=h) for h in hours))
)


@given(schedules, candidates, ledgers)
def test_a_dial_is_inside_the_window_and_a_wait_ends_in_one(
    schedule: Schedule, candidate: Candidate, ledger: Ledger
) -> None:
    chosen = plan().model_copy(update={"schedule": schedule})
    decision = decide(candidate, chosen, ledger, NOON)
    zones = hours_zones(schedule, candidate.zones)
    if isinstance(decision, Dial):
        assert is_open(schedule, zones, NOON)
        assert candidate.not_before is None or candidate.not_before <= NOON
    elif isinstance(decision, Wait):
        assert decision.until > NOON
        assert is_open(schedule, zones, decision.until)
        # Waiting as long as was said is enough, and a second less is not.
        assert isinstance(decide(candidate, chosen, ledger, decision.until), Dial)
        earlier = decide(candidate, chosen, ledger, decision.until - timedelta(seconds=1))
        assert isinstance(earlier, Wait)


def test_the_last_minute_of_a_window_is_left_free() -> None:
    office = plan(hours="09:00-12:00")
    closes = NOON
    late = decide(Candidate(NEW_YORK), office, Ledger(), closes - timedelta(seconds=59))
    assert isinstance(late, Wait)
    assert late.until == closes + timedelta(hours=21)
    in_time = decide(Candidate(NEW_YORK), office, Ledger(), closes - timedelta(seconds=60))
    assert isinstance(in_time, Dial)
    assert in_time.closes_at == closes
    longer = plan(hours="09:00-12:00", guard="10m")
    assert isinstance(
        decide(Candidate(NEW_YORK), longer, Ledger(), closes - timedelta(minutes=9)), Wait
    )


def test_a_phone_that_rings_longer_than_the_guard_does_not_ring_past_the_end() -> None:
    closes = NOON
    patient = plan(hours="09:00-12:00").model_copy(update={"ring_timeout": timedelta(minutes=3)})
    late = decide(Candidate(NEW_YORK), patient, Ledger(), closes - timedelta(seconds=179))
    assert isinstance(late, Wait)
    in_time = decide(Candidate(NEW_YORK), patient, Ledger(), closes - timedelta(seconds=180))
    assert isinstance(in_time, Dial)
    none = plan(hours="09:00-12:00", guard="0s").model_copy(
        update={"ring_timeout": timedelta(minutes=3)}
    )
    assert isinstance(decide(Candidate(NEW_YORK), none, Ledger(), closes - RESOLUTION), Dial)


def test_no_guard_where_windows_meet() -> None:
    night = plan(
        windows=[{"days": "mon", "hours": "12:00-24:00"}, {"days": "tue", "hours": "00:00-02:00"}]
    )
    midnight = NOON + timedelta(hours=12)
    assert isinstance(
        decide(Candidate(NEW_YORK), night, Ledger(), midnight - timedelta(seconds=1)), Dial
    )


def test_hours_that_differ_by_the_day() -> None:
    week = plan(
        windows=[
            {"days": ["mon", "tue"], "hours": ["09:00-11:00", "14:00-18:00"]},
            {"days": "sat", "hours": "10:00-12:00"},
        ]
    )
    decision = decide(Candidate(NEW_YORK), week, Ledger(), NOON)
    assert isinstance(decision, Wait)
    assert decision.until == NOON + timedelta(hours=2)
    late = decide(Candidate(NEW_YORK), week, Ledger(), NOON + timedelta(days=2))
    assert isinstance(late, Wait)
    assert late.until == datetime(2026, 3, 7, 15, 0, tzinfo=UTC)


def test_public_holidays_of_the_place_where_somebody_is() -> None:
    thanksgiving = datetime(2026, 11, 26, 17, 0, tzinfo=UTC)
    at_home = Candidate(NEW_YORK, jurisdictions=("US-PA",))
    closed = plan(holidays="callee")
    assert isinstance(decide(at_home, plan(), Ledger(), thanksgiving), Dial)
    decision = decide(at_home, closed, Ledger(), thanksgiving)
    assert isinstance(decision, Wait)
    # The Friday after is a holiday in Pennsylvania, not in the whole country.
    assert decision.until == datetime(2026, 11, 28, 14, 0, tzinfo=UTC)
    decision = decide(at_home, plan(holidays=["US"]), Ledger(), thanksgiving)
    assert isinstance(decision, Wait)
    assert decision.until == datetime(2026, 11, 27, 14, 0, tzinfo=UTC)


def test_attempts_are_made_at_one_time_of_the_week_after_another() -> None:
    parts = plan(hours="00:00-24:00").model_copy(
        update={
            "retry": Retry(
                max_attempts=9, dayparts=(Daypart.EVENING, Daypart.WEEKEND, Daypart.MORNING)
            )
        }
    )
    opens = {
        0: datetime(2026, 3, 2, 22, 0, tzinfo=UTC),
        1: datetime(2026, 3, 7, 5, 0, tzinfo=UTC),
        2: datetime(2026, 3, 3, 13, 0, tzinfo=UTC),
        3: datetime(2026, 3, 2, 22, 0, tzinfo=UTC),
    }
    for attempts, until in opens.items():
        decision = decide(Candidate(NEW_YORK, attempts=attempts), parts, Ledger(), NOON)
        assert isinstance(decision, Wait)
        assert decision.until == until
        assert decision.reason.code == "daypart"
    promised = Candidate(NEW_YORK, attempts=1, promised=True)
    assert isinstance(decide(promised, parts, Ledger(), NOON), Dial)
