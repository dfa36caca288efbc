"""`outdial launch`: a whole campaign by one command, on everything it starts by itself."""

from __future__ import annotations

from asyncio.subprocess import Process
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from outdial.intake.definition import read_definition
from outdial.runtime.lines import build_lines
from outdial.runtime.settings.settings import load_settings
from outdial.runtime.stack.addresses import running_stack, settings_of_launch
from outdial.services.campaigns.rehearsing import read_rehearsal
from outdial.services.campaigns.simulated_people import read_simulated_people
from tests.builders import NOW, phone
from tests.databases import postgresql_database, postgresql_server
from tests.e2e.commands import CommandResult, outdial, start
from tests.e2e.commands import ended as ended_process
from tests.e2e.records import Records
from tests.e2e.stacks import PEOPLE, QUICKSTART, campaign_text, environment, people_file
from tests.rehearsal.campaigns import calls
from tests.waiting import until

REPORTED = {
    "budget",
    "campaign",
    "state",
    "recipients",
    "calls",
    "attempts",
    "seconds",
    "ui",
    "lines",
    "simulated",
}
DONE = "SELECT count(*) FROM recipient WHERE state = 'done'"
ANSWERED = "SELECT count(*) FROM call WHERE status = 'in_progress'"
LEASES = "SELECT count(*) FROM lease"


@pytest.mark.faults
async def test_quickstart_runs_to_its_end_and_its_counts_add_up(tmp_path: Path) -> None:
    environ = environment(tmp_path, simulated__time_scale=40)
    band = await _written_rehearsal(environ, tmp_path)
    result = await outdial(environ, "launch", QUICKSTART, "--json")
    assert result.code == 0, result
    report = result.last_json
    assert set(report) == REPORTED
    assert (report["campaign"], report["state"]) == ("quickstart", "finished")
    assert 0 < report["seconds"] < 120
    assert report["ui"].startswith("http://127.0.0.1:")
    records = Records(f"sqlite:///{tmp_path / 'outdial.db'}")
    _says_the_same(records, report, people=40)
    made = records.rows("SELECT phone, attempt, outcome FROM call ORDER BY phone, number")
    assert made == _rehearsed(environ), "what it would do is what it did, for each reader"
    await _reports_the_same(environ, records, band)
    await _without_again_nothing_changes(environ, records)


@pytest.mark.faults
async def test_a_server_that_is_named_keeps_the_records(tmp_path: Path) -> None:
    with postgresql_server() as server, postgresql_database(server) as url:
        environ = environment(tmp_path, simulated__time_scale=40, database_url=url)
        file = tmp_path / "few.yaml"
        file.write_text(campaign_text("few", map(phone, range(6))))
        result = await outdial(environ, "launch", file, "--json")
        assert result.code == 0, result
        _says_the_same(Records(url), result.last_json, people=6)
    assert not (tmp_path / "outdial.db").exists()


def _rehearsed(environ: Mapping[str, str]) -> list[tuple[str, int, str]]:
    """The calls of a rehearsal with the people of the same network."""
    settings = settings_of_launch(load_settings(dict(environ)))
    simulated = settings.simulated
    people = read_simulated_people(None, time_scale=simulated.time_scale)
    of = read_rehearsal(build_lines(settings), read_definition(QUICKSTART), NOW, people)
    phones = {draft.position: draft.phone for draft in of.drafts}
    made = [(phones[one.position], one) for one in calls(of, simulated.seed)]
    made.sort(key=lambda pair: (pair[0], pair[1].ended_at))
    return [(phone, one.attempt, one.outcome) for phone, one in made]


async def _written_rehearsal(environ: Mapping[str, str], folder: Path) -> Path:
    """Of one run with the people of the same network."""
    seed = settings_of_launch(load_settings(dict(environ))).simulated.seed
    options = ("--people", "simulated", "--runs", "1", "--seed", str(seed), "--json")
    result = await outdial(environ, "rehearse", QUICKSTART, *options)
    assert result.code == 0, result
    band = folder / "band.json"
    band.write_text(result.out, encoding="utf-8")
    return band


async def _reports_the_same(environ: Mapping[str, str], records: Records, band: Path) -> None:
    page = band.with_name("report.html")
    options = ("--rehearsal", band, "--html", page, "--json")
    result = await outdial(environ, "report", "quickstart", *options)
    assert result.code == 0, result
    report = result.last_json
    assert report["funnel"]["enrolled"] == 40
    attempts = "SELECT count(*) FROM call WHERE is_attempt"
    assert report["answers"]["attempts"] == records.count(attempts)
    outcomes = records.rows("SELECT outcome, count(*) FROM call GROUP BY outcome")
    assert {(each["outcome"], each["calls"]) for each in report["outcomes"]} >= set(outcomes)
    figures = {each["name"]: each for each in report["rehearsal"]["figures"]}
    for name in ("calls", "people_reached"):
        assert figures[name]["place"] == "inside", figures[name]
        assert figures[name]["p10"] == figures[name]["real"], "of one run, the same"
    assert "quickstart: report" in page.read_text(encoding="utf-8")


def _says_the_same(records: Records, report: dict[str, Any], *, people: int) -> None:
    placed = records.count("SELECT count(*) FROM call WHERE provider_call_id IS NOT NULL")
    refused = records.count("SELECT count(*) FROM call WHERE provider_call_id IS NULL")
    assert sum(report["recipients"].values()) == people
    assert report["attempts"] == placed
    assert sum(report["calls"].values()) == placed + refused
    assert records.count(DONE) == people
    assert records.count("SELECT count(*) FROM recipient WHERE outcome IS NULL") == 0
    assert records.count(LEASES) == 0


async def _without_again_nothing_changes(environ: dict[str, str], records: Records) -> None:
    before = records.count("SELECT count(*) FROM call")
    result = await outdial(environ, "launch", QUICKSTART, "--json")
    assert result.code == 1
    assert result.out == ""
    assert "quickstart was launched before and is finished" in result.err
    assert "--again" in result.err
    assert records.count("SELECT count(*) FROM call") == before
    assert records.count("SELECT launch FROM campaign") == 1


@pytest.mark.faults
async def test_stopped_from_another_terminal_it_ends_with_three(tmp_path: Path) -> None:
    state_dir, file = tmp_path / "state", tmp_path / "slow.yaml"
    records = Records(f"sqlite:///{state_dir / 'outdial.db'}")
    file.write_text(campaign_text("slow", map(phone, range(12)), pacing={"max_concurrent": 5}))
    people = people_file(tmp_path, PEOPLE | {"talk_seconds": [600, 600]})
    environ = environment(state_dir, simulated__time_scale=1, simulated__config=people)
    launching = await start(environ, "launch", file, "--json")
    try:
        await _until_rows(launching, state_dir, records, ANSWERED, 5)
        stopped = await outdial(environ, "stop", "slow", "--hang-up", "--reason", "wrong list")
    finally:
        result: CommandResult = await ended_process(launching)
    assert stopped.code == 0, stopped
    assert "slow is stopping" in stopped.out
    assert result.code == 3, result
    report = result.last_json
    assert report["state"] == "stopped"
    assert sum(report["recipients"].values()) == 12
    assert sum(report["calls"].values()) == 5
    assert records.count(LEASES) == 0


@pytest.mark.faults
async def test_ctrl_c_is_safe_and_the_next_launch_goes_on(tmp_path: Path) -> None:
    state_dir, file = tmp_path / "state", tmp_path / "cut.yaml"
    records = Records(f"sqlite:///{state_dir / 'outdial.db'}")
    people = people_file(tmp_path, PEOPLE)
    environ = environment(state_dir, simulated__time_scale=1, simulated__config=people)
    file.write_text(campaign_text("cut", map(phone, range(20)), pacing={"max_concurrent": 4}))
    launching = await start(environ, "launch", file)

    await _until_rows(launching, state_dir, records, DONE, 4)
    launching.terminate()
    result = await ended_process(launching)
    assert result.code == 130, result
    assert "resumes it" in result.err
    done = records.count(DONE)
    assert 4 <= done < 20
    again = await outdial(environ, "launch", file, "--json")
    assert again.code == 0, again
    assert "it resumes" in again.err
    assert sum(again.last_json["recipients"].values()) == 20
    assert records.count(LEASES) == 0


async def _until_rows(
    launching: Process, state_dir: Path, records: Records, query: str, at_least: int
) -> None:
    """Wait until a count is reached, once there is a database."""

    async def reached() -> bool:
        if launching.returncode is not None:
            pytest.fail(f"it ended before: {await ended_process(launching)}")
        return running_stack(state_dir) is not None and records.count(query) >= at_least

    await until(reached, timeout=60, interval=0.1)
