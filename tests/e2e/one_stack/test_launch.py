"""`outdial launch` beside a stack that runs; tests/e2e/test_launch.py has it start one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from outdial.domain.call.status import AnsweredBy
from tests.builders import phone
from tests.e2e.commands import CommandLine
from tests.e2e.stacks import Stack, campaign_text
from tests.e2e.test_launch import REPORTED


async def test_it_reports_what_became_of_everybody(
    stack: Stack, outdial: CommandLine, tmp_path: Path
) -> None:
    file = tmp_path / "by-command.yaml"
    file.write_text(campaign_text("by-command", map(phone, range(540, 543))), encoding="utf-8")
    result = await outdial("launch", file, "--json")
    assert result.code == 0, result
    assert set(result.last_json) == REPORTED
    assert (result.last_json["campaign"], result.last_json["state"]) == ("by-command", "finished")
    assert result.last_json["recipients"] == result.last_json["calls"] == {"completed": 3}
    assert result.last_json["attempts"] == 3

    again = await outdial("launch", file, "--json")
    assert (again.code, again.out) == (1, "")
    assert "by-command was launched before and is finished" in again.err
    assert "--again" in again.err
    assert len(await stack.calls("by-command")) == 3


@pytest.mark.faults
async def test_call_screening_reaches_nobody(
    stack: Stack, outdial: CommandLine, tmp_path: Path
) -> None:
    """It is tried again as voicemail is, and a model that is learned from it knows of it."""
    always, once, never = numbers = [phone(number) for number in range(543, 546)]
    file, people = tmp_path / "screened.yaml", tmp_path / "people.yaml"
    retry = {"max_attempts": 3, "voicemail": {"delays": "1s", "max_attempts": 2}}
    file.write_text(campaign_text("screened", numbers, retry=retry), encoding="utf-8")
    overrides = {always: ["screener"], once: ["screener", "book"], never: ["answer"]}
    await stack.network.configure({"people": {"overrides": overrides}})
    try:
        result = await outdial("launch", file, "--json")
    finally:
        await stack.network.configure({"people": {"overrides": {}}})
    assert result.code == 0, result
    assert result.last_json["recipients"] == {"screened": 1, "booked": 1, "completed": 1}
    calls = await stack.calls("screened")
    answered_by = Counter(call.answered_by for call in calls)
    assert answered_by == {AnsweredBy.SCREENER: 3, AnsweredBy.HUMAN: 2}

    learned = await outdial("learn", "screened", "--json")
    assert learned.code == 0, learned
    assert learned.last_json["endings"]["screener"]["value"] == pytest.approx(3 / 5)
    written = await outdial("learn", "screened", "--out", people)
    assert written.code == 0, written
    rehearsed = await outdial("rehearse", file, "--people", people, "--runs", "2", "--json")
    assert rehearsed.last_json["people"] == "the calls of screened"
    assert "screened" in rehearsed.last_json["calls_by_outcome"]
