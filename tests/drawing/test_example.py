"""A campaign that was carried out as it was rehearsed has the figures of its rehearsal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from outdial.cli.main import app
from tests.drawing.example import SEED, START, carry_out, write_campaign

PEOPLE = 45


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "no-temporal.toml"))
    return tmp_path


def outdial(*arguments: str) -> Result:
    result = CliRunner().invoke(app, list(arguments), prog_name="outdial")
    assert result.exit_code == 0, result.output
    return result


@pytest.mark.faults
def test_a_report_has_the_figures_of_a_rehearsal_with_the_same_seed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_campaign(folder, PEOPLE)
    options = ("--runs", "1", "--seed", str(SEED), "--start", START.isoformat())
    written = outdial("rehearse", str(file), *options, "--json", "--html", "rehearsal.html")
    Path("band.json").write_text(written.stdout, encoding="utf-8")
    carry_out(file, folder / "state")
    monkeypatch.setenv("OUTDIAL_STATE_DIR", "state")
    against = ("--rehearsal", "band.json", "--html", "report.html")
    reported = outdial("report", "spring-checkups", *against, "--json")
    report, rehearsed = json.loads(reported.stdout), json.loads(written.stdout)
    figures = {each["name"]: each for each in report["rehearsal"]["figures"]}
    for name in ("calls", "people_reached", "share_reached", "hours_to_finish"):
        assert figures[name]["place"] == "inside", figures[name]
    assert _last_outcomes(report) == rehearsed["recipients_by_outcome"]
    assert report["rehearsal"]["hours"][-1]["place"] == "inside"
    for page in ("rehearsal.html", "report.html"):
        assert "spring-checkups" in (folder / page).read_text(encoding="utf-8")


def _last_outcomes(report: dict[str, Any]) -> dict[str, int]:
    return {each["outcome"]: each["people"] for each in report["outcomes"] if each["people"]}
