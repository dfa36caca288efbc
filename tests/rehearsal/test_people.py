from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from outdial.intake.problems import DefinitionInvalid
from outdial.intake.written_value import read_written_value
from outdial.rehearsal.people import GUESSES, WEEK_HOURS, Endings, PeopleModel, thresholds

EXAMPLE = Path(__file__).parents[2] / "campaigns" / "people" / "example.yaml"
WRITTEN = """\
source: our own calls of May
endings: {answer: 3, voicemail: 4, no_answer: 3}
by_hour:
  - {days: sat, hours: 10:00-12:00, endings: {answer: 1}}
  - {hours: 11:00-12:00, endings: {busy: 1}}
unreachable: 0.2
dispositions: {booked: 0.1}
talk_seconds: {median: 60, p90: 200}
"""


def test_the_shipped_model_says_that_it_is_guessed() -> None:
    assert "guesses" in GUESSES.source
    assert PeopleModel.model_validate_json(GUESSES.model_dump_json()) == GUESSES


def test_the_example_is_a_model() -> None:
    model, _ = read_written_value(EXAMPLE, PeopleModel)
    assert model.source.startswith("made up")


def test_a_model_is_read_from_yaml(tmp_path: Path) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(WRITTEN, encoding="utf-8")
    model, _ = read_written_value(file, PeopleModel)
    assert model.talk_seconds.p90 == 200
    week = model.week()
    assert len(week) == WEEK_HOURS
    assert week[9] == Endings(answer=3, voicemail=4, no_answer=3)
    saturday = 5 * 24
    assert week[saturday + 10] == Endings(answer=1)
    assert week[saturday + 11] == Endings(busy=1), "of two entries the later one holds"
    assert week[11] == Endings(busy=1)


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("endings: {answer: 1, voice: 2}\n", "people.yaml:1:29: endings.voice"),
        ("endings: {answer: 0}\n", "people.yaml:1:10: endings"),
        ("endings: {answer: 1}\nunreachable: 2\n", "people.yaml:2:14: unreachable"),
        (
            "endings: {answer: 1}\nby_hour: [{hours: 09:30-10:00, endings: {busy: 1}}]\n",
            "people.yaml:2:19: by_hour[0].hours",
        ),
        (
            "endings: {answer: 1}\ndispositions: {booked: 0.7, other: 0.7}\n",
            "people.yaml:2:15: dispositions",
        ),
        (
            "endings: {answer: 1}\ntalk_seconds: {median: 9, p90: 3}\n",
            "people.yaml:2:15: talk_seconds",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, written: str, place: str) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(written, encoding="utf-8")
    with pytest.raises(DefinitionInvalid) as refused:
        read_written_value(file, PeopleModel)
    (problem,) = refused.value.problems
    assert str(problem).removeprefix(f"{tmp_path}/").startswith(place)


def test_parts_are_as_large_as_the_weights() -> None:
    assert thresholds([1, 0, 3]) == (0.25, 0.25, 1.0)
    with pytest.raises(ValidationError):
        Endings()
