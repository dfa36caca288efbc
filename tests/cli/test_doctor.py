"""`outdial doctor`: what it prints; tests/runtime/test_doctor.py breaks each thing."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Outdial


def test_nothing_is_wrong_where_nothing_was_launched(outdial: Outdial) -> None:
    result = outdial("doctor")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0].startswith("ok       settings ")
    assert lines[-1] == "0 problems, 0 warnings."
    assert any(line.startswith("skipped  temporal ") for line in lines)


@pytest.mark.usefixtures("state_dir")
def test_a_problem_has_what_to_do_below_it(
    outdial: Outdial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTDIAL_DEFAULT_LINE", "mian")
    result = outdial("doctor")
    assert result.exit_code == 1
    lines = result.output.splitlines()
    (at,) = [n for n, line in enumerate(lines) if line.startswith("problem  lines ")]
    assert "default_line: found 'mian', which is not configured" in lines[at]
    assert lines[at + 1].strip() == "→ known are none"
    assert lines[-1] == "1 problem, 0 warnings."
    shown = json.loads(outdial("doctor", "--json").stdout)
    (problem,) = [each for each in shown if each["level"] == "problem"]
    assert (problem["check"], problem["code"]) == ("lines", "unknown_line")


def test_settings_that_are_wrong_are_findings_too(
    outdial: Outdial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTDIAL_LOG_LEVLE", "INFO")
    result = outdial("doctor")
    assert result.exit_code == 1
    assert "did you mean OUTDIAL_LOG_LEVEL?" in result.output
