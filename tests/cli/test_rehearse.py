"""`outdial rehearse`: a whole campaign in virtual time, without a call."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from outdial.cli.exit_codes import INTERRUPTED
from outdial.domain.report.rehearsed import RehearsedCampaign
from outdial.services.campaigns import rehearsing
from outdial.store.db.database import Database
from tests.cli.conftest import Outdial

ROOT = Path(__file__).parents[2]
QUICKSTART = str(ROOT / "campaigns" / "quickstart.yaml")
START = ("--start", "2026-03-04T15:00:00Z")
PEOPLE = """\
source: everybody answers
endings: {answer: 1}
ring_seconds: {median: 1, p90: 1}
"""


@pytest.fixture(autouse=True)
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one takes longer to start than it saves; tests/services/test_rehearsal_processes.py
    asks several of them."""
    monkeypatch.setattr(rehearsing, "MOST_PROCESSES", 1)


def rehearsed(outdial: Outdial, *options: str) -> dict[str, Any]:
    result = outdial("rehearse", QUICKSTART, *START, "--json", *options)
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def test_the_quickstart_is_rehearsed(outdial: Outdial) -> None:
    report = rehearsed(outdial, "--runs", "3", "--seed", "5")
    assert report["campaign"] == "quickstart"
    assert report["seeds"] == [5, 6, 7]
    assert report["recipients"] == 40
    assert report["most_in_flight"]["p90"] == 10, "as many as its pacing allows"
    assert report["unfinished_runs"] == 0
    assert sum(report["recipients_by_outcome"].values()) == pytest.approx(40)
    assert 0 < report["reached"]["p10"] <= report["reached"]["p90"] <= 40
    assert report == rehearsed(outdial, "--runs", "3", "--seed", "5"), "the same seeds"


def test_a_launch_can_be_compared_with_what_is_written(outdial: Outdial) -> None:
    written = rehearsed(outdial, "--runs", "3")
    read = RehearsedCampaign.model_validate(written).model_dump(mode="json")
    compared = {key: written[key] for key in read if key not in ("start", "finish")}
    assert compared.pop("reached_over_time")[0].keys() == {"at", "p10", "p50", "p90"}
    assert compared.items() <= read.items()


def test_a_people_model_is_given(outdial: Outdial, tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text(PEOPLE, encoding="utf-8")
    report = rehearsed(outdial, "--runs", "1", "--people", "people.yaml")
    assert report["people"] == "everybody answers"
    assert report["recipients_by_outcome"] == {"completed": 40}
    assert report["calls"] == {"p10": 40, "p50": 40, "p90": 40}


def test_figures_are_printed(outdial: Outdial) -> None:
    result = outdial("rehearse", QUICKSTART, *START, "--runs", "2")
    assert result.exit_code == 0, result.output
    assert "quickstart: 40 recipients, launched Wed 2026-03-04 15:00Z; 2 runs, seed 1" in (
        result.output
    )
    for row in ("guesses that ship", "finish", "people reached", "slots in use, at most", "waits"):
        assert row in result.output


def test_one_recipient_is_followed(outdial: Outdial) -> None:
    number = _first_number()
    steps = json.loads(
        outdial("rehearse", QUICKSTART, *START, "--json", "--recipient", number).stdout
    )
    assert [step["step"] for step in steps[:3]] == ["reserved", "placed", "ended"]
    assert steps[-1]["step"] == "closed"
    shown = outdial("rehearse", QUICKSTART, *START, "--recipient", number)
    assert "Wed 2026-03-04 15:00Z" in shown.output
    nobody = outdial("rehearse", QUICKSTART, *START, "--recipient", "+12025550999")
    assert nobody.exit_code == 1
    assert "nobody on the roster of quickstart has the number" in nobody.output


def test_another_file_is_compared(outdial: Outdial, tmp_path: Path) -> None:
    text = Path(QUICKSTART).read_text(encoding="utf-8")
    assert "max_concurrent: 10" in text
    contacts = Path(QUICKSTART).parent / "contacts" / "quickstart.csv"
    narrow = text.replace("max_concurrent: 10", "max_concurrent: 1")
    narrow = narrow.replace("contacts/quickstart.csv", str(contacts))
    (tmp_path / "narrow.yaml").write_text(narrow, encoding="utf-8")
    (tmp_path / "people.yaml").write_text(PEOPLE, encoding="utf-8")
    runs = ("--runs", "4", "--people", "people.yaml")
    chosen = (*START, *runs, "--compare", "narrow.yaml")
    report = json.loads(outdial("rehearse", QUICKSTART, *chosen, "--json").stdout)
    assert report["same_recipients"]
    assert report["first"] == rehearsed(outdial, *runs)
    finish = report["differences"]["finish_seconds"]
    assert 0 < finish["low"] <= finish["mean"] <= finish["high"]
    assert report["differences"]["cost_millionths"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    shown = outdial("rehearse", QUICKSTART, *chosen)
    assert re.search(r"narrow instead of quickstart: [\d.]+ \w+ later \([\d.]+ to ", shown.output)
    assert "4 pairs of runs, seed 1; in brackets 95 % confidence" in shown.output
    same = outdial("rehearse", QUICKSTART, *START, "--runs", "2", "--compare", QUICKSTART)
    assert "the same finish, the same calls, the same people reached" in same.output
    refused = outdial("rehearse", QUICKSTART, *chosen, "--recipient", _first_number())
    assert refused.exit_code == 1
    assert "leave out --compare" in refused.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--people", "wrong.yaml"), "wrong.yaml:1:19: endings.answer: found 'often'"),
        (("--people", "none.yaml"), "none.yaml:1:1: file: found no such file"),
        (("--start", "tomorrow"), "--start: found 'tomorrow'"),
        (("--start", "9999-06-01T00:00:00Z"), "write a year from 1900 to 2999"),
        (("--start", "0001-01-01T00:00:00Z"), "write a year from 1900 to 2999"),
    ],
)
def test_what_is_wrong_is_told(
    outdial: Outdial, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    (tmp_path / "wrong.yaml").write_text("endings: {answer: often}\n", encoding="utf-8")
    result = outdial("rehearse", QUICKSTART, *options)
    assert result.exit_code == 1
    assert message in result.output


def test_every_problem_of_the_file_is_told(outdial: Outdial, tmp_path: Path) -> None:
    rows = '  - {phone: "12"}\n  - {phone: "+12025550123"}\n  - {phone: "+1 202 555 0123"}\n'
    text = f"name: few\npurpose: informational\nagent: a\nrecipients:\n{rows}"
    (tmp_path / "few.yaml").write_text(text, encoding="utf-8")
    result = outdial("rehearse", "few.yaml")
    assert result.exit_code == 1
    assert "few.yaml:5:" in result.output
    assert "few.yaml:7:" in result.output


def test_what_the_database_knows_counts(outdial: Outdial, database: Database) -> None:
    number = _first_number()
    assert outdial("suppress", number, "--reason", "asked").exit_code == 0
    steps = json.loads(
        outdial("rehearse", QUICKSTART, *START, "--json", "--recipient", number).stdout
    )
    assert [(step["step"], step["code"]) for step in steps] == [("never", "suppressed")]


def _heed_ctrl_c() -> None:
    """Whoever runs the tests in the background may have it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_ends_it_and_its_processes(tmp_path: Path) -> None:
    """Ended at once, though a thousand runs are left."""
    command = [sys.executable, "-P", "-m", "outdial.cli", "rehearse", QUICKSTART, "--runs", "1000"]
    environment = {**os.environ, "OUTDIAL_STATE_DIR": str(tmp_path / "state")}
    started = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=_heed_ctrl_c,
    )  # fmt: skip
    try:
        while not (children := _children(started.pid)):
            assert started.poll() is None, started.communicate()
        started.send_signal(signal.SIGINT)
        _, errors = started.communicate(timeout=60)
    finally:
        started.kill()
    assert started.returncode == INTERRUPTED
    assert b"Interrupted" in errors
    assert not any(Path(f"/proc/{child}").exists() for child in children)


def _children(pid: int) -> list[int]:
    """Those that any of its threads has started."""
    children = list[int]()
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread has ended
            children += map(int, path.read_text(encoding="ascii").split())
    return children


def _first_number() -> str:
    rows = (ROOT / "campaigns" / "contacts" / "quickstart.csv").read_text(encoding="utf-8")
    header, first, *_ = rows.splitlines()
    return first.split(",")[header.split(",").index("telephone")].strip('"')


def test_a_page_and_images_are_drawn(outdial: Outdial, tmp_path: Path) -> None:
    options = ("--runs", "2", "--json", "--html", "page.html", "--png", "images")
    result = outdial("rehearse", QUICKSTART, *START, *options)
    assert result.exit_code == 0, result.output
    json.loads(result.stdout)
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    for text in ("quickstart: rehearsal", " and zone", "Share of people reached"):
        assert text in html
    images = {path.name: path.read_bytes()[:4] for path in (tmp_path / "images").iterdir()}
    assert images.keys() >= {"calls.png", "slots.png", "reached.png", "waits.png"}
    assert set(images.values()) == {b"\x89PNG"}
