"""`outdial learn`: a people model from a campaign's own calls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from outdial.domain.call.plan import CallPlan
from outdial.intake.written_value import read_written_value
from outdial.rehearsal.fate import ModeledPeople
from outdial.rehearsal.loop import Attempt, Loop
from outdial.rehearsal.people import GUESSES, PeopleModel
from outdial.store.db.database import Database
from tests.builders import NOW, definition
from tests.cli.conftest import Outdial
from tests.rehearsal.campaigns import RETRY, rehearsal
from tests.rehearsal.store_engine import StoreEngine, numbered_calls

PEOPLE = 60


@pytest.fixture
def made(database: Database) -> list[Attempt]:
    """The calls of a campaign that has ended."""
    of, given = rehearsal(PEOPLE), definition(retry=RETRY)
    attempts = list[Attempt]()
    with numbered_calls():
        store = StoreEngine(database, given, of.drafts, of.lines, NOW)
        people = ModeledPeople(GUESSES, 1)
        Loop(store, people, CallPlan.of(given), record=attempts.append).run(NOW)
    return attempts


def test_a_model_is_learned_and_rehearsed_with(
    outdial: Outdial, made: list[Attempt], tmp_path: Path
) -> None:
    result = outdial("learn", "reminder", "--out", "people.yaml")
    assert result.exit_code == 0, result.output
    assert f"Wrote people.yaml, fitted to {len(made)} calls to {PEOPLE} people." in result.output
    model, _ = read_written_value(tmp_path / "people.yaml", PeopleModel)
    assert model.source == "the calls of reminder"
    shown = outdial("learn", "reminder")
    assert shown.stdout == (tmp_path / "people.yaml").read_text(encoding="utf-8")
    assert "95 % confidence" in shown.stdout

    again = outdial("learn", "reminder", "--out", "people.yaml")
    assert again.exit_code == 1
    assert "people.yaml exists already" in again.output

    (tmp_path / "next.yaml").write_text(
        'name: next\npurpose: informational\nagent: a\nrecipients:\n  - {phone: "+12125550123"}\n',
        encoding="utf-8",
    )
    rehearsed = outdial("rehearse", "next.yaml", "--people", "people.yaml", "--runs", "1", "--json")
    assert rehearsed.exit_code == 0, rehearsed.output
    assert json.loads(rehearsed.stdout)["people"] == "the calls of reminder"


def test_its_shares_are_those_of_the_calls(outdial: Outdial, made: list[Attempt]) -> None:
    report = json.loads(outdial("learn", "reminder", "--json").stdout)
    assert (report["calls"], report["people"]) == (len(made), PEOPLE)
    for ending, outcomes in (
        ("voicemail", {"voicemail"}),
        ("screener", {"screened"}),
        ("no_answer", {"no_answer"}),
        ("busy", {"busy"}),
    ):
        count = sum(one.outcome in outcomes for one in made)
        share = report["endings"][ending]
        assert share["value"] == pytest.approx(count / len(made)), ending
        assert share["low"] <= share["value"] <= share["high"]
    assert report["endings"]["answer"]["value"] == pytest.approx(
        sum(one.reached for one in made) / len(made)
    )
    assert PeopleModel.model_validate(report["model"]).unreachable == report["unreachable"]["value"]


def test_without_a_call_there_is_nothing_to_learn(outdial: Outdial, database: Database) -> None:
    assert database is not None
    unknown = outdial("learn", "reminder")
    assert unknown.exit_code == 1
    assert "there is no campaign 'reminder'" in unknown.output


def test_calls_that_have_not_ended_teach_nothing(outdial: Outdial, database: Database) -> None:
    of = rehearsal(1)
    with numbered_calls():
        StoreEngine(database, definition(), of.drafts, of.lines, NOW).claim(NOW)
    result = outdial("learn", "reminder")
    assert result.exit_code == 1
    assert "no call of reminder has ended yet" in result.output
