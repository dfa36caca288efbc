"""`validate` and `schema`: everything that is wrong, in one go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from outdial.intake.schema import schema_text
from tests.cli.conftest import Outdial

GOOD = """\
name: reminder
purpose: informational
agent: reminder
recipients:
  - {phone: "+12025550123"}
"""

BAD = """\
name: reminder
purpos: informational
agent: reminder
schedule: {hours: "9-17"}
recipients:
  - {phone: "12"}
"""


def test_a_good_file_is_told_to_be_good(outdial: Outdial, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")
    result = outdial("validate", "good.yaml")
    assert result.exit_code == 0
    assert result.output == (
        "good.yaml: reminder, 1 recipient, nothing is wrong\n"
        "it would call on line simulated\n"
        "line simulated is the simulated network: nobody's telephone rings\n"
    )


REAL = """\
[lines.main]
provider = "bland"
credentials = { api_key = "env:BLAND_KEY", webhook_secret = "env:BLAND_KEY" }
"""
VOXPRIA = REAL.replace("bland", "voxpria")


@pytest.mark.parametrize(
    ("settings", "line", "message"),
    [
        (REAL, "", "it would call on line main"),
        (REAL, "line: simulated", "nobody's telephone rings"),
        (REAL, "line: landline", "good.yaml:6:7: line: line 'landline' is not configured"),
        (REAL + REAL.replace("main", "spare"), "", "there are main, simulated, spare"),
        ('default_line = "spare"\n' + REAL + REAL.replace("main", "spare"), "", "on line spare"),
        ('default_line = "moon"\n' + REAL, "", "default_line: found 'moon'"),
        (VOXPRIA, "recording: true", "good.yaml:6:12: recording: line main can't carry it"),
        (VOXPRIA, "ring_timeout: 30s", "good.yaml:6:15: ring_timeout: line main can't carry it"),
        (VOXPRIA, "line: simulated\nrecording: true", "nobody's telephone rings"),
        (REAL.replace("env:BLAND_KEY", "env:NOT_SET"), "", "the variable NOT_SET is not set"),
    ],
)
def test_validate_and_launch_choose_and_refuse_alike(
    outdial: Outdial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    settings: str, line: str, message: str,
) -> None:  # fmt: skip
    """`validate` never says that nothing is wrong where `launch` refuses the line."""
    monkeypatch.setenv("BLAND_KEY", "key")
    (tmp_path / "outdial.toml").write_text(settings, encoding="utf-8")
    (tmp_path / "good.yaml").write_text(GOOD + line, encoding="utf-8")
    result = outdial("validate", "good.yaml")
    assert message in result.output
    refused = "would call" not in result.output
    assert result.exit_code == int(refused)
    assert refused != ("nothing is wrong" in result.output)
    assert outdial("validate", "good.yaml", "--file-only").exit_code == 0


def test_with_a_temporal_configured_there_is_no_built_in_line(
    outdial: Outdial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")
    result = outdial("validate", "good.yaml")
    assert result.exit_code == 1
    assert "no line is configured; write a table [lines.NAME]" in result.output


def test_every_problem_has_a_line_of_its_own(outdial: Outdial, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD, encoding="utf-8")
    result = outdial("validate", "bad.yaml")
    assert result.exit_code == 1
    lines = result.output.splitlines()
    places = [line.split(":")[:3] for line in lines]
    assert all(file == "bad.yaml" for file, _, _ in places)
    assert {"2", "4", "6"} <= {line for _, line, _ in places}


def test_launch_refuses_a_bad_file_with_the_same_words(outdial: Outdial, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD, encoding="utf-8")
    problems = outdial("validate", "bad.yaml").stdout
    result = outdial("launch", "bad.yaml")
    assert result.exit_code == 1
    assert result.stderr == problems
    assert not (tmp_path / "state").exists(), "nothing was started for it"


def test_the_schema_is_printed_as_it_is_kept(outdial: Outdial) -> None:
    result = outdial("schema")
    assert result.exit_code == 0
    assert result.stdout == schema_text()
    assert json.loads(result.stdout)["title"] == "Outdial campaign"


def test_who_can_never_be_called_is_told_with_a_good_file(outdial: Outdial, tmp_path: Path) -> None:
    text = GOOD.replace("informational", "telemarketing")
    (tmp_path / "sales.yaml").write_text(text, encoding="utf-8")
    result = outdial("validate", "sales.yaml")
    assert result.exit_code == 0
    assert "1 person can never be called: written consent is needed" in result.output
