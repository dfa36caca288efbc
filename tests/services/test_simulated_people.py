"""The people of the simulated network in a rehearsal."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.domain.money.price import LinePrice
from outdial.providers.simulated.telephony.person import Behaviour, PeopleModel, script_for
from outdial.rehearsal.fate import CalledPerson, Fate
from outdial.services.campaigns.simulated_people import SimulatedPeople, read_simulated_people
from tests.builders import NOW, phone
from tests.rehearsal.campaigns import rehearsal

NUMBER = phone(1)


def called(attempt: int = 1, ring_timeout: float = 30.0) -> CalledPerson:
    return CalledPerson(0, NUMBER, attempt, "America/New_York", ring_timeout, 600.0)


def fate_of(behaviour: Behaviour, **changes: object) -> Fate:
    model = PeopleModel.model_validate({"overrides": {NUMBER: [behaviour]}} | changes)
    return SimulatedPeople(model).fate(called(), NOW)


@pytest.mark.parametrize(
    ("behaviour", "status", "answered_by", "failure"),
    [
        (Behaviour.ANSWER, CallStatus.COMPLETED, AnsweredBy.HUMAN, None),
        (Behaviour.VOICEMAIL, CallStatus.COMPLETED, AnsweredBy.MACHINE, None),
        (Behaviour.SCREENER, CallStatus.COMPLETED, AnsweredBy.SCREENER, None),
        (Behaviour.NO_ANSWER, CallStatus.NO_ANSWER, None, None),
        (Behaviour.BUSY, CallStatus.BUSY, None, None),
        (Behaviour.CARRIER_FAILURE, CallStatus.FAILED, None, FailureClass.UNAVAILABLE),
        (Behaviour.NOT_IN_SERVICE, CallStatus.FAILED, None, FailureClass.REJECTED),
        (Behaviour.REJECTED, CallStatus.FAILED, None, FailureClass.REJECTED),
    ],
)
def test_each_behaviour_ends_a_call_as_on_the_network(
    behaviour: Behaviour,
    status: CallStatus,
    answered_by: AnsweredBy | None,
    failure: FailureClass | None,
) -> None:
    fate = fate_of(behaviour)
    assert (fate.status, fate.answered_by, fate.failure) == (status, answered_by, failure)
    assert fate.dialed is (behaviour is not Behaviour.REJECTED)


def test_a_talk_that_is_cut_off_has_no_result() -> None:
    """As on the network, which ends it before the agent says what it came to."""
    model = PeopleModel(overrides={NUMBER: [Behaviour.OPT_OUT]}, talk_seconds=(700, 700))
    fate = SimulatedPeople(model).fate(called(), NOW)
    assert (fate.talk_seconds, fate.disposition) == (600, None)


def test_a_scale_makes_it_faster() -> None:
    slow, fast = fate_of(Behaviour.ANSWER), fate_of(Behaviour.ANSWER, time_scale=10)
    assert fast.ends_after == pytest.approx(slow.ends_after / 10)
    assert fast.talk_seconds == slow.talk_seconds
    assert slow.answered_after is not None
    assert fast.answered_after == pytest.approx(slow.answered_after / 10)


def test_nobody_answers_before_the_launch() -> None:
    """A talk is billed in full, however fast the network's time goes."""
    model = PeopleModel.model_validate({"weights": {"answer": 1}, "time_scale": 100})
    run = replace(rehearsal(20), people=SimulatedPeople(model)).run(1)
    assert run.reached > 10
    assert min(run.reached_by_hour) >= NOW.timestamp() // 3600


def test_a_request_that_is_refused_costs_nothing() -> None:
    model = PeopleModel.model_validate({"weights": {"rejected": 1}})
    of = replace(rehearsal(5), people=SimulatedPeople(model))
    price = LinePrice("USD", per_call=100_000)
    run = replace(of, lines=tuple(replace(line, price=price) for line in of.lines)).run(1)
    assert run.calls > 0
    assert run.cost == 0


def test_a_seed_gives_the_network_of_that_seed() -> None:
    people = SimulatedPeople(PeopleModel()).with_seed(7)
    script = script_for(PeopleModel(seed=7), NUMBER, 2)
    assert people.fate(called(2), NOW).disposition in (script.disposition, None)
    assert people.model.seed == 7


def test_the_settings_file_of_a_network_is_read(tmp_path: Path) -> None:
    file = tmp_path / "network.json"
    file.write_text(json.dumps({"people": {"weights": {"busy": 1}, "time_scale": 3}}))
    people = read_simulated_people(file)
    assert people.model.time_scale == 3
    assert people.fate(called(), NOW).status is CallStatus.BUSY
    assert read_simulated_people(file, time_scale=5).model.time_scale == 5
    assert read_simulated_people(None).model == PeopleModel()
