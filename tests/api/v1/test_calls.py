"""Calls over HTTP: asked for once, listed, looked at, ended."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from outdial.domain.call.event import CallEnd
from outdial.domain.call.status import CallStatus
from outdial.domain.record import DIRECT_CAMPAIGN
from outdial.services.operations.lines import announce_lines
from outdial.store.call import settlement
from outdial.store.campaign import campaigns
from outdial.store.claims import fence, reservation
from tests.api.v1.conftest import Customer
from tests.services.world import NOW, World, webhook

TO = "+12025550123"
ORDER: dict[str, Any] = {"to": TO, "agent": "reminder", "schedule": {"hours": "00:00-24:00"}}


async def create(customer: Customer, **changes: Any) -> dict[str, Any]:
    answer = await customer.http.post("/v1/calls", json=ORDER | changes)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


async def place(world: World) -> list[str]:
    """Claim and send off what is due, as the direct campaign would; the attempts' ids."""
    database, now = world.ctx.database, world.clock.now
    await announce_lines(world.ctx)
    direct = await database.write(lambda s: campaigns.ensure_direct_campaign(s, "default", now=now))
    claim = await database.write(
        lambda s: reservation.claim_calls(s, direct.id, f"run/{now}", now=now).claim
    )
    for call in claim.calls:
        await database.write(
            lambda s, call=call: fence.raise_fence(  # type: ignore[misc]
                s, call.call_id, now=now, placement_timeout=timedelta(seconds=20)
            )
        )
    return [call.call_id for call in claim.calls]


async def test_a_call_is_written_down_and_claimed(us: Customer, world: World) -> None:
    made = await create(
        us,
        variables={"first_name": "Ana"},
        context={"order": "4711"},
        max_duration=300,
        recording=True,
        scheduled_at="2026-11-20T16:00:00Z",
    )
    assert (made["status"], made["done"], made["attempts"]) == ("queued", False, 0)
    assert (made["agent"], made["line"], made["max_duration_seconds"]) == (
        "reminder",
        "simulated",
        300,
    )
    call = (await us.http.get(f"/v1/calls/{made['id']}")).json()
    assert {key: call[key] for key in made} == made
    assert await place(world) == []
    world.clock.now += timedelta(hours=1)
    (attempt,) = await place(world)
    call = (await us.http.get(f"/v1/calls/{made['id']}")).json()
    assert (call["status"], call["last_attempt"]["id"]) == ("queued", attempt)


async def test_from_ringing_to_its_transcript(us: Customer, world: World) -> None:
    made = await create(us)
    path = f"/v1/calls/{made['id']}"
    (attempt,) = await place(world)
    for kind in ("ringing", "in_progress", "completed"):
        headers, body = webhook(attempt, kind)
        stored = await us.http.post("/hooks/simulated", headers=headers, content=body)
        assert stored.json()["new"] == 1
        if kind != "completed":
            assert (await us.http.get(path)).json()["status"] == kind
    assert (await us.http.get(f"{path}/recording")).status_code == 404
    end = CallEnd(status=CallStatus.COMPLETED, at=NOW, duration_seconds=61)
    await world.ctx.database.write(lambda s: settlement.end_call(s, attempt, end, now=NOW))
    shown = (await us.http.get(path)).json()
    assert (shown["status"], shown["outcome"], shown["done"]) == ("completed", "completed", True)
    assert [event["status"] for event in shown["events"]] == ["completed", "in_progress", "ringing"]
    assert shown["attempts"] == 1


async def test_the_same_key_and_body_give_the_same_answer(us: Customer) -> None:
    headers = {"idempotency-key": "order-4711"}
    answers = await asyncio.gather(
        *(us.http.post("/v1/calls", json=ORDER, headers=headers) for _ in range(5))
    )
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
    assert len((await us.http.get("/v1/calls")).json()["items"]) == 1
    other = await us.http.post("/v1/calls", json=ORDER | {"line": "simulated"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "conflict")


async def test_a_refused_request_does_not_use_up_its_key(us: Customer) -> None:
    headers = {"idempotency-key": "order-1"}
    wrong = await us.http.post("/v1/calls", json=ORDER | {"to": "+1202"}, headers=headers)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid")
    right = await us.http.post("/v1/calls", json=ORDER, headers=headers)
    assert right.status_code == 202


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"to": "12345"}, "to: found '12345', which has no country code"),
        ({"line": "others"}, "line 'others' is not configured; known are simulated"),
        ({"time_zone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"agent": None}, "agent: found none"),
        ({"contact_id": "nobody"}, "there is no contact 'nobody'"),
        ({"unknown": 1}, "body.unknown"),
        ({"max_duration": 10**9}, "max_duration"),
        ({"webhook": "http://127.0.0.1/x"}, "leads to 127.0.0.1"),
        ({"webhook": "ftp://example.com"}, "write one such as https://example.com/hooks"),
    ],
)
async def test_mistakes_are_told(us: Customer, changes: dict[str, Any], message: str) -> None:
    answer = await us.http.post("/v1/calls", json=ORDER | changes)
    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert message in answer.json()["detail"]


async def test_lists_have_pages_and_filters(us: Customer, world: World) -> None:
    ids = []
    for number in range(5):
        world.clock.now += timedelta(seconds=1)
        made = await create(us, to=f"+1202555012{number}", agent=f"agent-{number % 2}")
        ids.append(made["id"])
    newest_first = ids[::-1]
    ids_of_pages: list[str] = []
    cursor = None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await us.http.get("/v1/calls", params=query)).json()
        ids_of_pages += [call["id"] for call in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert ids_of_pages == newest_first

    async def listed(**query: str) -> list[str]:
        page = (await us.http.get("/v1/calls", params=query)).json()
        return [call["id"] for call in page["items"]]

    assert await listed(agent="agent-1") == [ids[3], ids[1]]
    assert await listed(to="+12025550122") == [ids[2]]
    assert await listed(status="completed") == []
    assert await listed(status="queued", campaign=DIRECT_CAMPAIGN) == newest_first
    assert await listed(created_from=(NOW + timedelta(seconds=4)).isoformat()) == newest_first[:2]


async def test_calls_of_campaigns_are_listed_too(us: Customer, world: World) -> None:
    made = await create(us)
    call = await world.place_call()
    listed = (await us.http.get("/v1/calls")).json()["items"]
    assert {one["id"] for one in listed} == {made["id"], call.call_id}
    shown = (await us.http.get(f"/v1/calls/{call.call_id}")).json()
    assert (shown["origin"], shown["agent"]) == ("campaign", "reminder")
    assert shown["campaign"] == call.campaign
    only = (await us.http.get("/v1/calls", params={"campaign": call.campaign})).json()["items"]
    assert [one["id"] for one in only] == [call.call_id]


async def test_a_call_says_what_it_counts_for_in_its_budget(us: Customer, world: World) -> None:
    [call] = await world.claim_calls(1, more="budget: {most: 5 USD}\n")
    shown = (await us.http.get(f"/v1/calls/{call.call_id}")).json()
    held = {"reserved": "0.90 USD", "cost": None, "source": None, "excess": "0 USD"}
    assert shown["budget"] == held
    assert (await create(us))["budget"] is None


async def test_ended_before_it_began_nobody_is_called(us: Customer, world: World) -> None:
    made = await create(us)
    ended = await us.http.post(f"/v1/calls/{made['id']}/end")
    assert (ended.json()["status"], ended.json()["done"]) == ("canceled", True)
    assert await place(world) == []
    again = await us.http.post(f"/v1/calls/{made['id']}/end")
    assert again.json() == ended.json()


async def test_a_registered_agent_and_a_contact(us: Customer) -> None:
    agent = {"id": "front-desk", "name": "Front desk", "remote_id": "asst_1", "is_default": True}
    assert (await us.http.post("/v1/agents", json=agent)).status_code == 201
    contact = (await us.http.post("/v1/contacts", json={"phone": TO})).json()
    made = await create(us, agent=None, contact_id=contact["id"])
    assert (made["agent"], made["contact_id"]) == ("front-desk", contact["id"])
    listed = await us.http.get("/v1/calls", params={"contact_id": contact["id"]})
    assert [one["id"] for one in listed.json()["items"]] == [made["id"]]
    off = await us.http.patch("/v1/agents/front-desk", json={"is_active": False})
    assert off.json()["version"] == 2
    refused = await us.http.post("/v1/calls", json=ORDER | {"agent": "front-desk"})
    assert refused.status_code == 422
