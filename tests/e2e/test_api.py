"""The API over a whole engine: what is asked for over HTTP reaches the telephone, once."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from outdial.services.accounts.keys import create_key
from tests.builders import phone
from tests.databases import migrated, sqlite_database
from tests.e2e.engine import Engine, engine
from tests.serving import client_at
from tests.waiting import until

__all__ = ["at_work", "http"]

NOW = datetime(2026, 12, 2, 15, 0, tzinfo=UTC)
ALWAYS = {"hours": "00:00-24:00"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def at_work(temporal_server: WorkflowEnvironment) -> AsyncIterator[Engine]:
    """One for all: the direct campaign's workflow goes on from test to test."""
    with sqlite_database() as url, migrated(url) as database:
        async with engine(temporal_server.client, database, NOW) as running:
            yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def http(at_work: Engine) -> AsyncIterator[httpx.AsyncClient]:
    key = await create_key(at_work.ctx, "test", ("*",))
    headers = {"authorization": f"Bearer {key.text}"}
    async with client_at(at_work.api, headers=headers) as client:
        yield client


async def until_done(http: httpx.AsyncClient, call_id: str) -> dict[str, Any]:
    call: dict[str, Any] = {}

    async def done() -> bool:
        call.update((await http.get(f"/v1/calls/{call_id}")).json())
        return bool(call["done"])

    await until(done, timeout=30)
    return call


async def test_a_call_asked_for_over_http_is_made(at_work: Engine, http: httpx.AsyncClient) -> None:
    order = {"to": phone(4000), "agent": "reception", "schedule": ALWAYS, "context": {"order": 7}}
    made = (await http.post("/v1/calls", json=order)).json()
    call = await until_done(http, made["id"])
    assert (call["status"], call["outcome"], call["attempts"]) == ("completed", "completed", 1)
    assert call["context"] == {"order": 7}
    assert [event["status"] for event in call["events"][:3]] == [
        "ringing", "in_progress", "completed",
    ]  # fmt: skip
    text = await http.get(f"/v1/calls/{made['id']}/transcript")
    assert text.json()["transcript"]
    assert at_work.called().count(phone(4000)) == 1


async def test_a_campaign_from_its_launch_to_its_results(
    at_work: Engine, http: httpx.AsyncClient
) -> None:
    definition = {
        "name": "over-http",
        "purpose": "informational",
        "agent": "reminder",
        "schedule": ALWAYS,
        "recipients": [{"phone": phone(4010 + n), "first_name": f"P{n}"} for n in range(3)],
    }
    path = f"/v1/campaigns/{definition['name']}"
    assert (await http.post("/v1/campaigns", json=definition)).status_code == 201
    paused = await http.post(f"{path}/pause", json={"reason": "lunch"})
    assert paused.json()["state"] == "paused"
    more = {"recipients": [{"phone": phone(4013), "first_name": "P3"}]}
    added = await http.post(f"{path}/recipients", json=more)
    assert (added.status_code, added.json()) == (202, {"added": 1, "state": "paused"})
    assert (await http.post(f"{path}/resume")).json()["state"] == "running"

    async def over() -> bool:
        return bool((await http.get(path)).json()["state"] == "finished")

    await until(over, timeout=30)
    results = (await http.get(f"{path}/results", params={"limit": 3})).json()
    assert len(results["items"]) == 3
    assert results["next_cursor"] is not None
    rows = list(csv.DictReader((await http.get(f"{path}/results.csv")).text.splitlines()))
    assert {row["var_first_name"] for row in rows} == {"P0", "P1", "P2", "P3"}
    assert {(row["outcome"], row["status"]) for row in rows} == {("completed", "completed")}
    numbers = [phone(4010 + n) for n in range(4)]
    assert sorted(number for number in at_work.called() if number in numbers) == numbers
    stopped = await http.post(f"{path}/stop")
    assert (stopped.status_code, stopped.json()["code"]) == (409, "change_refused")


async def test_ending_a_call_that_is_under_way(at_work: Engine, http: httpx.AsyncClient) -> None:
    network = at_work.network.simulation
    network.configure({"people": {"talk_seconds": [600, 600]}})
    made = (
        await http.post("/v1/calls", json={"to": phone(4020), "agent": "a", "schedule": ALWAYS})
    ).json()

    async def talks() -> bool:
        call = await http.get(f"/v1/calls/{made['id']}")
        return bool(call.json()["status"] == "in_progress")

    await until(talks, timeout=30)
    assert (await http.post(f"/v1/calls/{made['id']}/end")).status_code == 200
    call = await until_done(http, made["id"])
    assert (call["status"], call["attempts"]) == ("completed", 1)
