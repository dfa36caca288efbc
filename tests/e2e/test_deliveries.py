"""Webhooks out, over a whole engine: each event as often as promised, in order for each call."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from outdial.services.accounts.keys import create_key
from outdial.services.campaigns.launching import launch_campaign
from outdial.services.operations.maintenance import MaintenanceLoop
from tests.builders import phone
from tests.databases import migrated, sqlite_database
from tests.e2e.engine import Engine, engine
from tests.e2e.stacks import campaign
from tests.receiver import Receiver, receiving
from tests.serving import client_at
from tests.waiting import until

pytestmark = pytest.mark.faults

__all__ = ["at_work", "customer", "http"]

NOW = datetime(2026, 12, 2, 15, 0, tzinfo=UTC)
STORY = ["call.initiating", "call.ringing", "call.in_progress", "call.completed"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def at_work(temporal_server: WorkflowEnvironment) -> AsyncIterator[Engine]:
    with sqlite_database() as url, migrated(url) as database:
        async with engine(temporal_server.client, database, NOW) as running:
            yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def http(at_work: Engine) -> AsyncIterator[httpx.AsyncClient]:
    key = await create_key(at_work.ctx, "test", ("*",))
    headers = {"authorization": f"Bearer {key.text}"}
    async with client_at(at_work.api, headers=headers) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def customer() -> AsyncIterator[Receiver]:
    async with receiving(Receiver()) as receiver:
        yield receiver


async def test_the_story_of_a_call_goes_to_the_url_that_it_names(
    at_work: Engine, http: httpx.AsyncClient, customer: Receiver
) -> None:
    order: dict[str, Any] = {
        "to": phone(5000),
        "agent": "reception",
        "schedule": {"hours": "00:00-24:00"},
        "context": {"order": 7},
        "webhook": customer.url,
    }
    made = (await http.post("/v1/calls", json=order)).json()

    async def over() -> bool:
        return len(customer.taken) >= len(STORY)

    await until(over, timeout=30)
    assert customer.types() == STORY
    assert {one.event["data"]["id"] for one in customer.taken} == {made["id"]}
    last = customer.taken[-1].event["data"]
    assert (last["context"], last["final"], last["outcome"]) == ({"order": 7}, True, "completed")
    log = (await http.get("/v1/deliveries", params={"call": made["id"]})).json()["items"]
    assert [one["type"] for one in log] == STORY[::-1]
    assert {one["state"] for one in log} == {"delivered"}
    details = (await http.get(f"/v1/deliveries/{log[0]['id']}")).json()
    (attempt,) = details["tries"]
    assert (attempt["status"], attempt["url"]) == (200, customer.url)
    assert attempt["request_headers"]["webhook-id"] == details["event_id"]


async def test_half_of_all_requests_fail_and_nothing_is_lost(
    at_work: Engine, http: httpx.AsyncClient, customer: Receiver
) -> None:
    dice = random.Random(7)
    customer.answer = lambda number: 200 if dice.random() < 0.5 else 503
    made = await http.post("/v1/endpoints", json={"url": customer.url, "events": ["*"]})
    assert made.status_code == 201
    people = [phone(5100 + n) for n in range(12)]
    await launch_campaign(at_work.ctx, campaign("delivered", people))
    expected = len(STORY) * len(people) + 2  # and the campaign's start and end

    async def over() -> bool:
        return (await at_work.progress("delivered")).state.over

    await until(over, timeout=60)

    async def all_taken() -> bool:
        at_work.clock.forward(minutes=15)  # the waits between tries grow to ten hours
        return len(customer.taken) >= expected

    await until(all_taken, timeout=60, interval=0.2)
    assert Counter(one.id for one in customer.taken).most_common(1)[0][1] == 1
    assert len(customer.received) > expected
    stories: dict[str, list[str]] = defaultdict(list)
    for one in customer.taken:
        event = one.event
        stories[event["data"].get("id", "campaign")].append(event["type"])
    assert stories.pop("campaign") == ["campaign.started", "campaign.finished"]
    assert list(stories.values()) == [STORY] * len(people)
    await http.delete(f"/v1/endpoints/{made.json()['id']}")


async def test_a_test_event_and_one_more_by_hand(
    http: httpx.AsyncClient, customer: Receiver
) -> None:
    made = (await http.post("/v1/endpoints", json={"url": customer.url, "events": ["test"]})).json()
    assert (await http.post(f"/v1/endpoints/{made['id']}/test")).status_code == 202

    async def received(times: int) -> bool:
        return len(customer.taken) == times

    await until(lambda: received(1))
    (sent,) = (await http.get("/v1/deliveries", params={"endpoint": made["id"]})).json()["items"]
    again = await http.post(f"/v1/deliveries/{sent['id']}/redeliver")
    assert again.status_code == 202
    await until(lambda: received(2))
    assert customer.taken[0].id == customer.taken[1].id
    await http.patch(f"/v1/endpoints/{made['id']}", json={"enabled": False})
    refused = await http.post(f"/v1/deliveries/{sent['id']}/redeliver")
    assert refused.status_code == 409


async def test_the_log_of_what_was_delivered_is_kept_for_a_while(
    at_work: Engine,
    http: httpx.AsyncClient,
    customer: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("outdial.services.operations.maintenance.DELETED_AT_ONCE", 2)
    made = (await http.post("/v1/endpoints", json={"url": customer.url, "events": ["test"]})).json()
    log = {"endpoint": made["id"]}
    for _ in range(5):
        await http.post(f"/v1/endpoints/{made['id']}/test")

    async def states() -> list[str]:
        deliveries = (await http.get("/v1/deliveries", params=log)).json()["items"]
        return [str(one["state"]) for one in deliveries]

    async def delivered() -> bool:
        return await states() == ["delivered"] * 5

    await until(delivered)
    customer.answer = lambda number: 503
    await http.post(f"/v1/endpoints/{made['id']}/test")
    await MaintenanceLoop(at_work.ctx, timedelta(hours=1)).delete_delivered()
    assert len(await states()) == 6
    await MaintenanceLoop(at_work.ctx, timedelta(0)).delete_delivered()
    assert await states() == ["pending"]
    await http.delete(f"/v1/endpoints/{made['id']}")
