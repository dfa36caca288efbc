"""A model that is fitted to calls of people whose model is known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from outdial.domain.call.past_call import PastCall, PastPerson
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.rehearsal.fate import CalledPerson, Fate, ModeledPeople
from outdial.rehearsal.learning import LearnedModel, Learner, ending_of
from outdial.rehearsal.people import Endings, PeopleModel
from outdial.rehearsal.reachability import fit_reachability
from tests.builders import NOW, ZONE

MOST = 4
"""Calls to a person; the last of them is the first one that is answered."""
TRUE = PeopleModel.model_validate(
    {
        "endings": {"answer": 4, "voicemail": 3, "screener": 1, "no_answer": 2},
        "by_hour": [{"hours": "17:00-19:00", "endings": {"answer": 8, "no_answer": 2}}],
        "unreachable": 0.3,
        "hang_up": 0.2,
        "hang_up_disposition": "hung_up",
        "dispositions": {"booked": 0.25, "call_me_later": 0.1},
        "ring_seconds": {"median": 5, "p90": 10},
        "machine_seconds": {"median": 8, "p90": 10},
        "talk_seconds": {"median": 80, "p90": 200},
    }
)


def called(model: PeopleModel, people: int, seed: int = 1) -> Iterator[PastPerson]:
    """People who are called until they answer, once a day, at different hours."""
    network = ModeledPeople(model, seed)
    for position in range(people):
        calls = list[PastCall]()
        for attempt in range(1, MOST + 1):
            at = NOW + timedelta(days=attempt, hours=(position + attempt) % 9)
            person = CalledPerson(position, "+12125550100", attempt, ZONE, 60.0, 3600.0)
            calls.append(past(network.fate(person, at), at))
            if ending_of(calls[-1]) == "answer":
                break
        yield PastPerson(ZONE, calls)


def past(fate: Fate, at: datetime) -> PastCall:
    rings = fate.rings_after
    answered = fate.status is CallStatus.COMPLETED and rings is not None
    ring = fate.ends_after - fate.talk_seconds - (rings or 0.0)
    return PastCall(
        at=at,
        status=fate.status,
        answered_by=fate.answered_by,
        failure=fate.failure,
        disposition=fate.disposition,
        dial_seconds=rings,
        ring_seconds=ring if answered else None,
        talk_seconds=fate.talk_seconds if answered else None,
        redial_hours=None if fate.redial_after is None else fate.redial_after / 3600,
    )


def learned(model: PeopleModel, people: int, seed: int = 1) -> LearnedModel:
    learner = Learner()
    learner.add(called(model, people, seed))
    return learner.fit("a test")


@pytest.fixture(scope="module")
def fitted() -> LearnedModel:
    return learned(TRUE, 4000)


def test_how_calls_end_is_learned(fitted: LearnedModel) -> None:
    """Of people who answer at times: those who never do would make answers too rare."""
    by_day = fitted.model.week()[11]  # Monday, 11:00
    for name, weight in zip(Endings.model_fields, TRUE.endings.weights, strict=True):
        assert getattr(by_day, name) == pytest.approx(weight / 10, abs=0.05), name
    evening = fitted.model.week()[17]
    assert evening.answer == pytest.approx(0.8, abs=0.06)


def test_who_never_answers_is_told_from_who_has_not_answered_yet(fitted: LearnedModel) -> None:
    assert fitted.unreachable.value == pytest.approx(0.3, abs=0.03)
    assert fitted.unreachable.interval is not None
    low, high = fitted.unreachable.interval
    assert low < 0.3 < high
    assert high - low < 0.1


def test_talks_are_learned(fitted: LearnedModel) -> None:
    model = fitted.model
    assert model.hang_up == pytest.approx(0.2, abs=0.03)
    assert model.hang_up_disposition == "hung_up"
    assert set(model.dispositions) == {"booked", "call_me_later"}
    assert model.dispositions["booked"] == pytest.approx(0.25, abs=0.03)
    assert model.source == "a test"


@pytest.mark.parametrize(("without", "named"), [(3, None), (1, "hung_up")])
def test_hang_ups_get_what_most_of_them_had(without: int, named: str | None) -> None:
    """Where most came to nothing at all, so do those of the model."""
    said = [None] * without + ["hung_up"] * 2
    calls = [
        PastCall(
            at=NOW,
            status=CallStatus.COMPLETED,
            answered_by=AnsweredBy.HUMAN,
            failure=None,
            disposition=each,
            dial_seconds=1.0,
            ring_seconds=2.0,
            talk_seconds=3.0,
            redial_hours=None,
        )
        for each in said
    ]
    learner = Learner()
    learner.add(PastPerson(ZONE, [call]) for call in calls)
    assert learner.fit("a test").model.hang_up_disposition == named


def test_durations_are_learned(fitted: LearnedModel) -> None:
    model = fitted.model
    for name in ("ring_seconds", "machine_seconds", "talk_seconds", "voicemail_seconds"):
        spread, true = getattr(model, name), getattr(TRUE, name)
        assert spread.median == pytest.approx(true.median, rel=0.15), name
        assert spread.p90 == pytest.approx(true.p90, rel=0.15), name
    estimate = fitted.spreads["ring_seconds"]
    assert estimate.interval is not None
    assert estimate.interval.low <= 5 <= estimate.interval.high


def test_a_learned_model_is_learned_again() -> None:
    """Rehearsals with it look like what it was learned from."""
    first = learned(TRUE, 3000)
    second = learned(first.model, 3000, seed=9)
    for name, estimate in first.endings.items():
        assert second.endings[name].value == pytest.approx(estimate.value, abs=0.04), name
    assert second.unreachable.value == pytest.approx(first.unreachable.value, abs=0.06)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Without hours of their own, the share of calls that end in a way is known."""
    model = PeopleModel(endings=Endings(answer=3, voicemail=4, no_answer=3))
    held = of = 0
    for seed in range(40):
        few = learned(model, 60, seed)
        for name, share in (("answer", 0.3), ("voicemail", 0.4), ("no_answer", 0.3)):
            interval = few.endings[name].interval
            assert interval is not None
            held += interval.low <= share <= interval.high
            of += 1
    assert held / of > 0.88


def test_few_calls_make_no_hours_and_no_durations() -> None:
    few = learned(TRUE, 2)
    assert few.model.by_hour == ()
    assert few.spreads == {}
    assert few.model.talk_seconds == PeopleModel(endings=Endings(answer=1)).talk_seconds
    assert few.people == 2


def test_who_was_called_once_tells_nothing_about_never() -> None:
    fit = fit_reachability({(1, 0): 30, (0, 1): 70})
    assert fit.unreachable == 0
    assert fit.answer == pytest.approx(0.3, abs=0.001)
    assert fit.interval.low == 0
    assert fit.interval.high > 0.6


def test_nobody_has_answered() -> None:
    fit = fit_reachability({(0, 3): 20})
    assert (fit.unreachable, fit.answer) == (0, 0)
    silent = PastPerson(ZONE, [PastCall(NOW, CallStatus.NO_ANSWER)] * 3)
    learner = Learner()
    learner.add([silent])
    assert learner.fit("").model.endings == Endings(no_answer=1)


@pytest.mark.parametrize(
    ("status", "answered_by", "failure", "ending"),
    [
        (CallStatus.COMPLETED, AnsweredBy.HUMAN, None, "answer"),
        (CallStatus.COMPLETED, None, None, "answer"),
        (CallStatus.COMPLETED, AnsweredBy.UNKNOWN, None, "answer"),
        (CallStatus.COMPLETED, AnsweredBy.MACHINE, None, "voicemail"),
        (CallStatus.COMPLETED, AnsweredBy.SCREENER, None, "screener"),
        (CallStatus.NO_ANSWER, None, None, "no_answer"),
        (CallStatus.BUSY, None, None, "busy"),
        (CallStatus.FAILED, None, FailureClass.UNAVAILABLE, "failed"),
        (CallStatus.FAILED, None, FailureClass.REJECTED, "rejected"),
        (CallStatus.FAILED, None, FailureClass.MISCONFIGURED, None),
        (CallStatus.FAILED, None, FailureClass.UNKNOWN, None),
        (CallStatus.CANCELED, None, None, None),
    ],
)
def test_what_a_call_says_about_people(
    status: CallStatus,
    answered_by: AnsweredBy | None,
    failure: FailureClass | None,
    ending: str | None,
) -> None:
    call = PastCall(NOW, status, answered_by, failure)
    assert ending_of(call) == ending


def test_faults_of_lines_and_withdrawn_calls_are_left_out() -> None:
    calls = [
        PastCall(NOW, CallStatus.CANCELED),
        PastCall(NOW, CallStatus.FAILED, failure=FailureClass.MISCONFIGURED),
    ]
    learner = Learner()
    learner.add([PastPerson(ZONE, calls)])
    assert learner.people == 0
