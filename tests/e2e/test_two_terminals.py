"""`outdial up` in one terminal, everything else in another."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from outdial.runtime.stack.statefile import read_state
from tests.builders import phone
from tests.e2e.commands import CommandResult, outdial, up
from tests.e2e.records import Records
from tests.e2e.stacks import (
    PEOPLE,
    QUICKSTART,
    Network,
    campaign_text,
    environment,
    people_file,
    unlike_each_other,
)
from tests.waiting import until

pytestmark = pytest.mark.faults

TALKING = "SELECT count(*) FROM call WHERE campaign = 'steered' AND status = 'in_progress'"


@dataclass(frozen=True)
class Terminal:
    """Another terminal beside `outdial up`."""

    folder: Path
    environ: dict[str, str]
    network: Network

    async def run(self, *arguments: str | Path) -> CommandResult:
        return await outdial(self.environ, *arguments)

    @property
    def records(self) -> Records:
        return Records(f"sqlite:///{self.folder / 'state' / 'outdial.db'}")

    async def json(self, *arguments: str) -> Any:
        result = await self.run(*arguments, "--json")
        assert result.code == 0, result
        return json.loads(result.out)

    def file(self, name: str, first: int, people: int, **keys: Any) -> Path:
        path = self.folder / f"{name}.yaml"
        numbers = (phone(first + n) for n in range(people))
        path.write_text(campaign_text(name, numbers, **keys), encoding="utf-8")
        return path


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def terminal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Terminal]:
    folder = tmp_path_factory.mktemp("terminals")
    state_dir = folder / "state"
    environ = environment(
        state_dir,
        simulated__time_scale=1,
        simulated__config=people_file(folder, PEOPLE),
        lines__simulated__max_concurrent=100,
        lines__simulated__per_second=50,
    )
    async with up(environ):
        state = read_state(state_dir)
        assert state is not None
        async with httpx.AsyncClient(base_url=state.endpoints.network, trust_env=False) as http:
            yield Terminal(folder, environ, Network(http))


async def test_quickstart_agrees_with_the_network(terminal: Terminal) -> None:
    """Its retries, its refused and unanswered calls: counted by us and by the other side."""
    await terminal.network.configure({"people": {"overrides": unlike_each_other()}})
    before = await terminal.network.stats()
    result = await terminal.run("launch", QUICKSTART, "--json")
    assert result.code == 0, result
    report = result.last_json
    after = await terminal.network.stats()
    outcomes = Counter(after["by_outcome"])
    assert sum(report["recipients"].values()) == 40
    assert after["duplicates"] == {}
    assert after["refused"] == {"number_not_dialable": report["recipients"]["failed:rejected"] - 1}
    assert report["calls"]["busy"] == after["by_outcome"]["busy"] == 1
    assert after["creates"] - before["creates"] == sum(report["calls"].values())
    assert after["accepted"] - before["accepted"] == report["attempts"]
    assert sum(outcomes.values()) - sum(before["by_outcome"].values()) == report["attempts"]
    assert after["open"] == 0


async def test_launched_by_two_at_once_it_runs_once(terminal: Terminal) -> None:
    file = terminal.file("twice", 0, 12, pacing={"max_concurrent": 4})
    first, second = await asyncio.gather(
        terminal.run("launch", file, "--json"), terminal.run("launch", file, "--json")
    )
    assert (first.code, second.code) == (0, 0), (first, second)
    lines = [text for result in (first, second) for text in result.err.splitlines()]
    assert sum("Launched twice" in text for text in lines) == 1, lines
    assert sum("nothing was changed" in text for text in lines) == 1, lines
    for result in (first, second):
        assert result.last_json["recipients"] == {"completed": 12}
    assert len(await terminal.json("calls", "twice")) == 12


async def test_again_is_a_new_launch_of_the_same_campaign(terminal: Terminal) -> None:
    file = terminal.file("repeated", 20, 3)
    assert (await terminal.run("launch", file)).code == 0
    refused = await terminal.run("launch", file)
    assert refused.code == 1
    assert "repeated was launched before and is finished" in refused.err
    assert (await terminal.run("launch", file, "--again")).code == 0
    calls = await terminal.json("calls", "repeated")
    assert [call["launch"] for call in calls] == [2, 2, 2]
    status = await terminal.json("status", "repeated")
    assert status["recipients"] == {"completed": 3}
    called = Counter(call["to"] for call in await terminal.network.calls())
    assert [called[phone(20 + n)] for n in range(3)] == [2, 2, 2]


async def test_paused_resumed_and_hung_up(terminal: Terminal) -> None:
    await terminal.network.configure({"people": {"talk_seconds": [600, 600]}})
    try:
        await _steered(terminal)
    finally:
        await terminal.network.configure({"people": {"talk_seconds": PEOPLE["talk_seconds"]}})


async def _steered(terminal: Terminal) -> None:
    file = terminal.file("steered", 40, 10, pacing={"max_concurrent": 4})
    launched = await terminal.run("launch", file, "--no-watch")
    assert launched.code == 0, launched
    await until(lambda: _talking(terminal, 4), timeout=30, interval=0.1)

    paused = await terminal.run("pause", "steered", "--reason", "lunch")
    assert (paused.code, paused.out) == (0, "steered is paused.\n"), paused
    status = await terminal.json("status", "steered")
    assert (status["state"], status["reason"]) == ("paused", "lunch")
    await _hang_up_one(terminal)
    await until(lambda: _talking(terminal, 3), timeout=30, interval=0.1)

    resumed = await terminal.run("resume", "steered")
    assert (resumed.code, resumed.out) == (0, "steered is running.\n"), resumed
    await until(lambda: _talking(terminal, 4), timeout=30, interval=0.1)
    talking = await terminal.json("calls", "steered", "--status", "in_progress")
    assert len(talking) == 4
    assert all("•" in call["to"] for call in talking)

    stopped = await terminal.run("stop", "steered", "--hang-up")
    assert stopped.code == 0, stopped
    watched = await terminal.run("watch", "steered")
    assert watched.code == 3, watched
    status = await terminal.json("status", "steered")
    assert status["state"] == "stopped"
    assert sum(status["recipients"].values()) == 10
    assert status["calls"] == {"completed": 5}
    assert (await terminal.network.stats())["open"] == 0


async def _talking(terminal: Terminal, calls: int) -> bool:
    """Whether so many are talking, as both sides see it."""
    listing = await terminal.network.calls()
    if sum(call["status"] == "in_progress" for call in listing) != calls:
        return False
    return terminal.records.count(TALKING) == calls


async def _hang_up_one(terminal: Terminal) -> None:
    """Somebody puts the receiver down."""
    state = read_state(terminal.folder / "state")
    assert state is not None
    calls = await terminal.network.calls()
    one = next(call["id"] for call in calls if call["status"] == "in_progress")
    async with httpx.AsyncClient(
        base_url=state.endpoints.network,
        headers={"authorization": f"Bearer {state.api_key}"},
        trust_env=False,
    ) as http:
        (await http.post(f"/v1/calls/{one}/end")).raise_for_status()
