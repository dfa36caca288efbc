"""`outdial report` over a real database, while nothing runs."""

from __future__ import annotations

import asyncio
import csv
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from outdial.cli.exit_codes import INTERRUPTED
from outdial.domain.call.claim import ClaimedCall
from outdial.domain.call.event import CallEnd
from outdial.domain.call.status import AnsweredBy, CallStatus
from outdial.services.campaigns import reporting
from outdial.store.call import settlement
from outdial.store.db.database import Database
from tests.cli.conftest import Outdial
from tests.services.world import NOW


@pytest.fixture
def ended(database: Database, call: ClaimedCall) -> ClaimedCall:
    """A person answered, and the call has ended."""
    end = CallEnd(
        status=CallStatus.COMPLETED,
        at=NOW,
        answered_by=AnsweredBy.HUMAN,
        duration_seconds=42.0,
    )
    database.write_sync(lambda s: settlement.end_call(s, call.call_id, end, now=NOW))
    return call


def test_figures_are_printed(outdial: Outdial, ended: ClaimedCall) -> None:
    result = outdial("report", ended.campaign)
    assert result.exit_code == 0, result.output
    assert f"{ended.campaign}: running, Fri 2026-11-20 15:00Z" in result.output
    assert "simulated" in result.output
    assert "answered by a person" in result.output
    assert "1 attempt: 1 answered by a person" in result.output
    assert "compliance: 1 receipt, head 1:" in result.output


def test_figures_as_json(outdial: Outdial, ended: ClaimedCall) -> None:
    report = reported(outdial, ended.campaign)
    assert report["funnel"]["right_outcome"]["count"] == 1
    assert report["talk"]["p50"] == 42
    assert [(each["outcome"], each["calls"]) for each in report["outcomes"]] == [("completed", 1)]
    other = reported(outdial, ended.campaign, "--right", "confirmed")
    assert other["funnel"]["right_outcome"]["count"] == 0
    assert other["right_outcomes"] == ["confirmed"]


def test_each_table_is_a_file(outdial: Outdial, ended: ClaimedCall, tmp_path: Path) -> None:
    result = outdial("report", ended.campaign, "--json", "--csv", "figures/deep")
    assert result.exit_code == 0, result.output
    json.loads(result.stdout)
    folder = tmp_path / "figures" / "deep"
    with (folder / "by_line.csv").open(encoding="utf-8", newline="") as file:
        [line] = list(csv.DictReader(file))
    assert (line["line"], line["attempts"], line["right_outcome"]) == ("simulated", "1", "1")
    assert {path.stem for path in folder.iterdir()} > {"funnel", "outcomes", "hours", "compliance"}
    (tmp_path / "file").write_text("", encoding="utf-8")
    refused = outdial("report", ended.campaign, "--csv", "file/deep")
    assert refused.exit_code == 1
    assert "can't write" in refused.stderr


def test_the_page_is_written_and_opened(
    outdial: Outdial, ended: ClaimedCall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    result = outdial("report", ended.campaign, "--html", "report.html", "--open")
    assert result.exit_code == 0, result.output
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"{ended.campaign}: report" in html
    assert opened == [(tmp_path / "report.html").as_uri()]
    assert outdial("report", ended.campaign, "--open").exit_code == 0
    page = Path(url2pathname(urlsplit(opened[1]).path))
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    refused = outdial("report", ended.campaign, "--html", "nowhere/report.html")
    assert (refused.exit_code, "can't write nowhere" in refused.stderr) == (1, True)


def test_the_launch_beside_its_rehearsal(
    outdial: Outdial, ended: ClaimedCall, tmp_path: Path
) -> None:
    band = {"p10": 1, "p50": 1, "p90": 2}
    hour = {"at": "2026-11-20T16:00:00Z", "p10": 0.5, "p50": 0.6, "p90": 0.7}
    finish = dict.fromkeys(("p10", "p50", "p90"), "2026-11-20T16:00:00Z")
    before = {
        "campaign": ended.campaign,
        "start": NOW.isoformat(),
        "seeds": [1, 2],
        "recipients": 1,
        "finish": finish,
        "unfinished_runs": 0,
        "calls": band,
        "reached": band,
        "reached_share": band,
        "cost_millionths": None,
        "reached_over_time": [hour],
    }
    file = tmp_path / "band.json"
    file.write_text(json.dumps(before), encoding="utf-8")
    options = ("--rehearsal", "band.json")
    printed = outdial("report", ended.campaign, *options)
    assert "The rehearsal has 2 runs, launched at Fri 2026-11-20 15:00Z" in printed.output
    compared = reported(outdial, ended.campaign, *options, "--html", "report.html")["rehearsal"]
    assert [each["name"] for each in compared["figures"]][:2] == ["calls", "people_reached"]
    assert "Against the rehearsal" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert reported(outdial, ended.campaign)["rehearsal"] is None
    for text, refusal in (
        (json.dumps(before | {"campaign": "other"}), "is a rehearsal of other"),
        (json.dumps(before | {"seeds": []}), "is not what `outdial rehearse FILE --json` writes"),
        ("{", "is not what"),
    ):
        file.write_text(text, encoding="utf-8")
        refused = outdial("report", ended.campaign, *options)
        assert (refused.exit_code, refusal in refused.stderr) == (1, True), refused.stderr
    missing = outdial("report", ended.campaign, "--rehearsal", "nowhere.json")
    assert (missing.exit_code, "can't read nowhere.json" in missing.stderr) == (1, True)


def test_what_there_is_not(outdial: Outdial, ended: ClaimedCall) -> None:
    nobody = outdial("report", "nobody")
    assert (nobody.exit_code, nobody.stderr.split(";")[0]) == (
        1,
        "there is no campaign 'nobody'",
    )
    launch = outdial("report", ended.campaign, "--launch", "3")
    assert (launch.exit_code, launch.stderr) == (1, "there is no launch '3'\n")


def test_it_is_interrupted_without_harm(
    outdial: Outdial, ended: ClaimedCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def add_all(*_: object) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()  # as a signal does
        await asyncio.sleep(0)

    monkeypatch.setattr(reporting, "_add_all", add_all)
    result = outdial("report", ended.campaign)
    assert (result.exit_code, result.stderr) == (INTERRUPTED, "Interrupted; nothing was changed.\n")


def reported(outdial: Outdial, *options: str) -> dict[str, Any]:
    result = outdial("report", *options, "--json")
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    return report
