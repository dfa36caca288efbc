from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.domain.call.status import CALL_ME_LATER, AnsweredBy, CallStatus
from outdial.rehearsal.fate import CalledPerson, Fate, ModeledPeople, draws
from outdial.rehearsal.people import GUESSES, Endings, PeopleModel

WEDNESDAY = datetime(2026, 3, 4, 16, tzinfo=UTC)
ZONE = "America/New_York"


def called(position: int = 0, attempt: int = 1, **changes: float) -> CalledPerson:
    values = {"ring_timeout": 30.0, "max_duration": 600.0} | changes
    return CalledPerson(position, "+12125550100", attempt, ZONE, **values)


def fates(model: PeopleModel, count: int = 20_000, at: datetime = WEDNESDAY) -> list[Fate]:
    people = ModeledPeople(model, seed=1)
    return [people.fate(called(position), at) for position in range(count)]


@given(st.integers(0, 2**40), st.integers(0, 10**6), st.integers(0, 100))
def test_draws_are_the_same_for_the_same_key(seed: int, position: int, attempt: int) -> None:
    first = draws(seed, position, attempt)
    assert first == draws(seed, position, attempt)
    assert all(0 <= each < 1 for each in first)
    assert first != draws(seed, position, attempt + 1)


def test_a_fate_depends_on_no_other_call() -> None:
    """Common random numbers: in another order, the same people do the same."""
    forward, backward = ModeledPeople(GUESSES, 7), ModeledPeople(GUESSES, 7)
    first = [forward.fate(called(position), WEDNESDAY) for position in range(200)]
    then = [backward.fate(called(position), WEDNESDAY) for position in reversed(range(200))]
    assert first == then[::-1]


def test_calls_end_as_often_as_the_model_says() -> None:
    endings = Endings(answer=2, voicemail=3, screener=1, no_answer=2, busy=1, failed=1)
    slow = {"ring_seconds": {"median": 1, "p90": 1}, "machine_seconds": {"median": 1, "p90": 1}}
    model = PeopleModel.model_validate({"endings": endings, **slow})
    counts = Counter((fate.status, fate.answered_by) for fate in fates(model))
    shares = {key: count / 20_000 for key, count in counts.items()}
    assert shares[CallStatus.COMPLETED, AnsweredBy.HUMAN] == pytest.approx(0.2, abs=0.01)
    assert shares[CallStatus.COMPLETED, AnsweredBy.MACHINE] == pytest.approx(0.3, abs=0.01)
    assert shares[CallStatus.COMPLETED, AnsweredBy.SCREENER] == pytest.approx(0.1, abs=0.01)
    assert shares[CallStatus.NO_ANSWER, None] == pytest.approx(0.2, abs=0.01)
    assert shares[CallStatus.BUSY, None] == pytest.approx(0.1, abs=0.01)
    assert shares[CallStatus.FAILED, None] == pytest.approx(0.1, abs=0.01)


def test_an_hour_of_the_week_is_one_on_the_clocks_of_the_person() -> None:
    model = PeopleModel.model_validate(
        {
            "endings": {"no_answer": 1},
            "by_hour": [{"days": "wed", "hours": "11:00-12:00", "endings": {"busy": 1}}],
        }
    )
    hour = timedelta(hours=1)
    statuses = [fates(model, 1, WEDNESDAY + step * hour)[0].status for step in (-1, 0, 1)]
    assert statuses == [CallStatus.NO_ANSWER, CallStatus.BUSY, CallStatus.NO_ANSWER]


def test_who_never_answers_is_the_same_at_each_attempt() -> None:
    model = PeopleModel.model_validate(
        {
            "endings": {"answer": 9, "busy": 1},
            "unreachable": 0.3,
            "ring_seconds": {"median": 1, "p90": 1},
        }
    )
    people = ModeledPeople(model, seed=3)
    busy = Counter(
        position
        for position in range(1000)
        for attempt in range(1, 13)
        if people.fate(called(position, attempt), WEDNESDAY).status is CallStatus.BUSY
    )
    never = sum(times == 12 for times in busy.values())
    assert never / 1000 == pytest.approx(0.3, abs=0.05)


def test_durations_keep_to_the_limits_and_to_the_median() -> None:
    model = PeopleModel.model_validate({"endings": {"answer": 1}})
    people = ModeledPeople(model, seed=1)
    made = [
        people.fate(called(at, ring_timeout=12.0, max_duration=100.0), WEDNESDAY)
        for at in range(5000)
    ]
    answered = [fate for fate in made if fate.status is CallStatus.COMPLETED]
    for fate in made:
        assert fate.rings_after is not None
        ring = fate.ends_after - fate.rings_after - fate.talk_seconds
        assert ring <= 12.0 + 1e-6
    assert max(fate.talk_seconds for fate in answered) == 100.0
    below = sum(fate.talk_seconds < 75 for fate in answered) / len(answered)
    assert below == pytest.approx(0.5, abs=0.03)


def test_who_asks_to_be_called_later_says_when() -> None:
    model = GUESSES.model_copy(
        update={"dispositions": {CALL_ME_LATER: 1.0}, "hang_up": 0.0, "endings": Endings(answer=1)}
    )
    later = [fate for fate in fates(model, 500) if fate.answered_by is AnsweredBy.HUMAN]
    assert later
    assert all(fate.redial_after is not None and fate.redial_after > 0 for fate in later)
