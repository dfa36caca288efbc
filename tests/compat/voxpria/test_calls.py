"""Voxpria's Calls API and its webhooks, as its clients use them (rows 66 to 68, 71, 72)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from outdial.services.calls import calls
from tests.compat.whole import Client, client_of, people, until_true
from tests.e2e.engine import Engine
from tests.receiver import Receiver

TRIGGER: dict[str, Any] = {
    "agentId": "agent_abc123",
    "toNumber": "+14155551234",
    "variables": {"customerName": "John Doe", "accountNumber": "12345"},
}
STATUSES = {"queued", "ringing", "in_progress", "completed", "failed", "no_answer", "busy"}
DETAILS = {
    "callId", "status", "duration", "recording", "transcript", "outcome", "startedAt",
    "completedAt",
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def voxpria(at_work: Engine, key: str) -> AsyncIterator[Client]:
    yield client_of(f"{at_work.api}/compat/voxpria", key)


async def trigger(voxpria: Client, number: str) -> str:
    answer = await voxpria.post("/api/v1/calls", TRIGGER | {"toNumber": number})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["callId"])


async def details(voxpria: Client, call_id: str) -> dict[str, Any]:
    return dict((await voxpria.get(f"/api/v1/calls/{call_id}")).json()["data"])


async def until_status(voxpria: Client, call_id: str, *wanted: str) -> dict[str, Any]:
    call: dict[str, Any] = {}

    async def there() -> bool:
        call.update(await details(voxpria, call_id))
        assert call["status"] in STATUSES
        return call["status"] in wanted

    await until_true(there)
    return call


async def test_row_66_trigger(voxpria: Client) -> None:
    answer = await voxpria.send(
        "POST",
        "/api/v1/calls",
        content=json.dumps(TRIGGER),
        headers={**voxpria.headers, "content-type": "application/json"},
    )
    assert answer.is_success
    body = answer.json()
    created_at = body["data"].pop("createdAt")
    call_id = body["data"].pop("callId")
    assert body == {
        "success": True,
        "data": {"status": "queued", "toNumber": "+14155551234", "agentId": "agent_abc123"},
    }
    assert isinstance(call_id, str)
    assert created_at.startswith("2026-12-02T18:")
    assert created_at.endswith("Z")


async def test_row_67_details(at_work: Engine, voxpria: Client) -> None:
    call_id = await trigger(voxpria, "+14155550101")
    queued = await details(voxpria, call_id)
    assert set(queued) >= DETAILS
    assert (queued["outcome"], queued["completedAt"]) == (None, None)
    await until_status(voxpria, call_id, "completed")

    async def analysed() -> bool:
        return bool((await details(voxpria, call_id))["transcript"])

    await until_true(analysed)
    call = await details(voxpria, call_id)
    assert set(call) >= DETAILS
    assert (call["callId"], call["outcome"]) == (call_id, "successful")
    assert type(call["duration"]) is int
    assert call["recording"].startswith("http")
    assert call["startedAt"] <= call["completedAt"]
    assert at_work.called().count("+14155550101") == 1


async def test_row_68_list(voxpria: Client) -> None:
    made = [await trigger(voxpria, f"+1415555011{n}") for n in range(3)]
    answer = await voxpria.get("/api/v1/calls?page=1&limit=50")
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    everything = [one["callId"] for one in answer.json()["data"]]
    assert everything[:3] == made[::-1]
    pages = [
        (await voxpria.get(f"/api/v1/calls?page={page}&limit=2")).json()["data"] for page in (1, 2)
    ]
    assert [one["callId"] for page in pages for one in page] == everything[:4]


@pytest.mark.parametrize(
    ("number", "behaviour", "status", "outcome"),
    [
        ("+14155550141", "answer", "completed", "successful"),
        ("+14155550142", "voicemail", "completed", "voicemail"),
        ("+14155550143", "no_answer", "no_answer", "no_answer"),
        ("+14155550144", "busy", "busy", "busy"),
        ("+14155550145", "carrier_failure", "failed", "failed"),
    ],
)
async def test_row_71_every_end(
    at_work: Engine, voxpria: Client, number: str, behaviour: str, status: str, outcome: str
) -> None:
    with people(at_work, time_scale=100.0, overrides={number: [behaviour]}):
        call_id = await trigger(voxpria, number)
        call = await until_status(voxpria, call_id, "completed", "no_answer", "busy", "failed")
    assert (call["status"], call["outcome"]) == (status, outcome)


async def test_row_71_on_the_way(at_work: Engine, voxpria: Client) -> None:
    with people(at_work, ring_seconds=[600, 600]):
        ringing = await trigger(voxpria, "+14155550171")
        assert (await details(voxpria, ringing))["status"] == "queued"
        await until_status(voxpria, ringing, "ringing")
    with people(at_work, talk_seconds=[600, 600]):
        talking = await trigger(voxpria, "+14155550172")
        call = await until_status(voxpria, talking, "in_progress")
    assert (call["startedAt"] is None, call["completedAt"]) == (False, None)
    for one in (ringing, talking):
        await calls.end_call(at_work.ctx, one)


async def test_row_72_webhooks(voxpria: Client, customer: Receiver) -> None:
    sample = "https://yourapp.com/webhooks/voxpria"
    endpoint = {"events": ["call.completed", "campaign.finished"], "active": True}
    answer = await voxpria.post("/api/v1/webhooks", {"url": sample, **endpoint})
    made = answer.json()["data"]
    assert answer.json()["success"] is True
    assert (made["url"], made["events"], made["active"]) == (sample, endpoint["events"], True)
    assert made["secret"].startswith("whsec_")
    listed = (await voxpria.get("/api/v1/webhooks")).json()["data"]
    assert listed == [made | {"secret": "whsec_*****"}]

    mine = (await voxpria.post("/api/v1/webhooks", {"url": customer.url, **endpoint})).json()[
        "data"
    ]
    call_id = await trigger(voxpria, "+14155550181")

    async def delivered() -> bool:
        await asyncio.sleep(0)
        return any(one.event["data"]["callId"] == call_id for one in customer.taken)

    await until_true(delivered)
    (one,) = [one for one in customer.taken if one.event["data"]["callId"] == call_id]
    assert one.event["event"] == "call.completed"
    assert one.event["data"]["status"] == "completed"
    assert set(one.event["data"]) >= {"duration", "toNumber", "recording", "transcript"}
    expected = hmac.digest(mine["secret"].encode(), one.body, hashlib.sha256).hex()
    assert one.headers["x-voxpria-signature"] == f"sha256={expected}"
