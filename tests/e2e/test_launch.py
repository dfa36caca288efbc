"""`outdial launch`: a whole campaign by one command, on everything it starts by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from runtime.embedded import running_stack
from store.database import Database
from tests.builders import phone
from tests.e2e.commands import Said, outdial, start
from tests.e2e.commands import ended as ended_process
from tests.e2e.stacks import PEOPLE, campaign_text, environment, people_file
from tests.waiting import until

QUICKSTART = Path("campaigns/quickstart.yaml")
REPORTED = {"campaign", "state", "recipients", "calls", "attempts", "seconds", "ui"}


async def test_quickstart_runs_to_its_end_and_its_counts_add_up(tmp_path: Path) -> None:
    environ = environment(tmp_path, simulated__time_scale=40)
    said = await outdial(environ, "launch", QUICKSTART, "--json")
    assert said.code == 0, said
    report = said.last_json
    assert set(report) == REPORTED
    assert (report["campaign"], report["state"]) == ("quickstart", "finished")
    assert sum(report["recipients"].values()) == 40
    assert 0 < report["seconds"] < 120
    assert report["ui"].startswith("http://127.0.0.1:")
    _is_what_the_database_says(tmp_path, report)
    await _without_again_nothing_changes(environ, tmp_path)


def _is_what_the_database_says(state_dir: Path, report: dict[str, Any]) -> None:
    placed = _rows(state_dir, "SELECT count(*) FROM call WHERE provider_call_id IS NOT NULL")
    refused = _rows(state_dir, "SELECT count(*) FROM call WHERE provider_call_id IS NULL")
    assert report["attempts"] == placed
    assert sum(report["calls"].values()) == placed + refused
    assert _rows(state_dir, "SELECT count(*) FROM recipient WHERE state = 'done'") == 40
    assert _rows(state_dir, "SELECT count(*) FROM recipient WHERE outcome IS NULL") == 0
    assert _rows(state_dir, "SELECT count(*) FROM lease") == 0


async def _without_again_nothing_changes(environ: dict[str, str], state_dir: Path) -> None:
    before = _rows(state_dir, "SELECT count(*) FROM call")
    said = await outdial(environ, "launch", QUICKSTART, "--json")
    assert said.code == 1
    assert said.out == ""
    assert "quickstart was launched before and is finished" in said.err
    assert "--again" in said.err
    assert _rows(state_dir, "SELECT count(*) FROM call") == before
    assert _rows(state_dir, "SELECT launch FROM campaign") == 1


async def test_stopped_from_another_terminal_it_ends_with_three(tmp_path: Path) -> None:
    file = tmp_path / "slow.yaml"
    file.write_text(campaign_text("slow", map(phone, range(30)), pacing={"max_concurrent": 5}))
    people = people_file(tmp_path, PEOPLE | {"talk_seconds": [600, 600]})
    environ = environment(tmp_path / "state", simulated__time_scale=1, simulated__config=people)
    launching = await start(environ, "launch", file, "--json")
    try:
        await _until_rows(tmp_path / "state", ANSWERED, 5)
        stopped = await outdial(environ, "stop", "slow", "--hang-up", "--because", "wrong list")
    finally:
        said: Said = await ended_process(launching)
    assert stopped.code == 0, stopped
    assert "slow is stopping" in stopped.out
    assert said.code == 3, said
    report = said.last_json
    assert report["state"] == "stopped"
    assert sum(report["recipients"].values()) == 30
    assert sum(report["calls"].values()) == 5
    assert _rows(tmp_path / "state", "SELECT count(*) FROM lease") == 0


async def test_ctrl_c_is_safe_and_the_next_launch_goes_on(tmp_path: Path) -> None:
    environ = environment(tmp_path / "state", simulated__time_scale=60)
    file = tmp_path / "cut.yaml"
    file.write_text(campaign_text("cut", map(phone, range(40)), pacing={"max_concurrent": 8}))
    launching = await start(environ, "launch", file)

    await _until_rows(tmp_path / "state", DONE, 8)
    launching.terminate()
    said = await ended_process(launching)
    assert said.code == 130, said
    assert "goes on where it was" in said.err
    done = _rows(tmp_path / "state", DONE)
    assert 8 <= done < 40
    again = await outdial(environ, "launch", file, "--json")
    assert again.code == 0, again
    assert "it goes on" in again.err
    assert sum(again.last_json["recipients"].values()) == 40
    assert _rows(tmp_path / "state", "SELECT count(*) FROM lease") == 0


DONE = "SELECT count(*) FROM recipient WHERE state = 'done'"
ANSWERED = "SELECT count(*) FROM call WHERE status = 'in_progress'"


async def _until_rows(state_dir: Path, query: str, at_least: int) -> None:
    """Wait until a count that another process's engine writes down is reached."""

    async def reached() -> bool:
        return running_stack(state_dir) is not None and _rows(state_dir, query) >= at_least

    await until(reached, timeout=60, interval=0.1)


def _rows(state_dir: Path, query: str) -> int:
    database = Database(f"sqlite:///{state_dir / 'outdial.db'}")

    def ask(s: Session) -> int:
        return int(s.connection().execute(text(query)).scalar_one())

    try:
        return database.read_sync(ask)
    finally:
        database.dispose()
