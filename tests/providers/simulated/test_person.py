from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from pydantic import ValidationError

from outdial.providers.simulated.telephony.person import Behaviour, PeopleModel, Script, script_for

MODEL = PeopleModel(seed=11)
NUMBERS = [f"+1202555{suffix:04}" for suffix in range(3000)]


def test_same_seed_number_and_attempt_give_the_same_script() -> None:
    first = [script_for(MODEL, number, 1) for number in NUMBERS[:50]]
    assert first == [script_for(PeopleModel(seed=11), number, 1) for number in NUMBERS[:50]]


@pytest.mark.parametrize(
    ("seed", "number", "attempt"), [(12, NUMBERS[0], 1), (11, NUMBERS[1], 1), (11, NUMBERS[0], 2)]
)
def test_another_seed_number_or_attempt_gives_another_script(
    seed: int, number: str, attempt: int
) -> None:
    other = script_for(PeopleModel(seed=seed), number, attempt)
    assert other.talk_seconds != script_for(MODEL, NUMBERS[0], 1).talk_seconds


def test_script_is_the_same_in_another_process() -> None:
    code = (
        "from outdial.providers.simulated.telephony.person import PeopleModel, script_for\n"
        f"for n in {NUMBERS[:20]}: print(script_for(PeopleModel(seed=11), n, 2))"
    )
    root = Path(__file__).parents[3]
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={"PYTHONHASHSEED": "4242", "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.splitlines() == [str(script_for(MODEL, n, 2)) for n in NUMBERS[:20]]


def test_behaviours_come_as_often_as_their_weights_say() -> None:
    model = PeopleModel(weights={Behaviour.BUSY: 3, Behaviour.ANSWER: 1})
    counts = Counter(script_for(model, number, 1).behaviour for number in NUMBERS)
    assert set(counts) == {Behaviour.BUSY, Behaviour.ANSWER}
    # Four standard deviations of a binomial with n = 3000 and p = 0.75.
    assert counts[Behaviour.BUSY] == pytest.approx(2250, abs=95)


def test_the_order_of_weights_does_not_matter() -> None:
    one = PeopleModel(weights={Behaviour.BUSY: 1, Behaviour.ANSWER: 2})
    other = PeopleModel(weights={Behaviour.ANSWER: 2, Behaviour.BUSY: 1})
    scripts = [[script_for(model, n, 1) for n in NUMBERS[:50]] for model in (one, other)]
    assert scripts[0] == scripts[1]


def test_overrides_go_by_attempt_and_the_last_repeats() -> None:
    listed = [Behaviour.BUSY, Behaviour.BUSY, Behaviour.ANSWER]
    model = PeopleModel(weights={Behaviour.OPT_OUT: 1}, overrides={NUMBERS[0]: listed})
    behaviours = [script_for(model, NUMBERS[0], attempt).behaviour for attempt in (1, 2, 3, 4, 9)]
    assert behaviours == [*listed, Behaviour.ANSWER, Behaviour.ANSWER]
    assert script_for(model, NUMBERS[1], 1).behaviour is Behaviour.OPT_OUT


def test_an_override_changes_what_happens_but_not_how_long_it_takes() -> None:
    plain = script_for(MODEL, NUMBERS[0], 1)
    model = PeopleModel(seed=11, overrides={NUMBERS[0]: [Behaviour.BOOK]})
    overridden = script_for(model, NUMBERS[0], 1)
    assert overridden.behaviour is Behaviour.BOOK
    assert overridden.ring_seconds == plain.ring_seconds
    assert overridden.analysis_seconds == plain.analysis_seconds


@pytest.mark.parametrize(
    ("behaviour", "low", "high"),
    [
        (Behaviour.ANSWER, 20, 120),
        (Behaviour.HANG_UP, 1, 6),
        (Behaviour.VOICEMAIL, 8, 25),
        (Behaviour.SCREENER, 5, 20),
    ],
)
def test_talks_last_as_long_as_their_range_says(
    behaviour: Behaviour, low: float, high: float
) -> None:
    model = PeopleModel(weights={behaviour: 1})
    talks = [script_for(model, number, 1).talk_seconds for number in NUMBERS[:300]]
    assert low <= min(talks) < low + (high - low) / 10
    assert high - (high - low) / 10 < max(talks) <= high


@pytest.mark.parametrize(
    ("behaviour", "disposition", "answered_by"),
    [
        (Behaviour.ANSWER, None, "human"),
        (Behaviour.BOOK, "booked", "human"),
        (Behaviour.OPT_OUT, "opted_out", "human"),
        (Behaviour.CALL_ME_LATER, "call_me_later", "human"),
        (Behaviour.HANG_UP, "hung_up", "human"),
        (Behaviour.VOICEMAIL, None, "machine"),
        (Behaviour.SCREENER, None, "screener"),
    ],
)
def test_what_the_agent_makes_of_it(
    behaviour: Behaviour, disposition: str | None, answered_by: str
) -> None:
    script = script_for(PeopleModel(weights={behaviour: 1}), NUMBERS[0], 1)
    assert (script.disposition, script.answered_by) == (disposition, answered_by)
    assert isinstance(script, Script)
    assert script.reply


@pytest.mark.parametrize(
    "settings",
    [
        {"ring_seconds": (5, 2)},
        {"ring_seconds": (-1, 2)},
        {"weights": {}},
        {"weights": {"answer": 0}},
        {"weights": {"answer": 2, "busy": -1}},
        {"weights": {"sings": 1}},
        {"overrides": {NUMBERS[0]: []}},
        {"time_scale": 0},
        {"ring_second": (1, 2)},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PeopleModel.model_validate(settings)
