"""`outdial launch` beside a stack that runs; tests/e2e/test_launch.py has it start one."""

from __future__ import annotations

from pathlib import Path

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
