"""VozAgent's calls, from being asked for to what is told of them (rows 17 to 19, 25)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.compat.whole import Client, client_of, people, until_true
from tests.e2e.engine import Engine
from tests.receiver import Receiver
from tests.serving import client_at

ORDER: dict[str, Any] = {
    "phone_number": "+15551234567",
    "assistant_name": "Voz",
    "first_name": "John",
    "last_name": "Smith",
    "notes": "Interested in a kitchen remodel quote",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def vozagent(at_work: Engine, key: str) -> AsyncIterator[Client]:
    headers = {"authorization": f"Bearer {key}"}
    async with client_at(at_work.api) as http:
        agent = {"id": "voz-1", "name": "Voz"}
        made = await http.post("/v1/agents", headers=headers, json=agent)
        assert made.status_code == 201
    yield client_of(f"{at_work.api}/compat/vozagent/v1", key)


async def until_over(vozagent: Client, call_id: str) -> dict[str, Any]:
    call: dict[str, Any] = {}

    async def over() -> bool:
        call.update((await vozagent.get(f"/calls/{call_id}")).json())
        return bool(call["transcript"] or call["call_status"] == "busy")

    await until_true(over)
    return call


async def test_row_18_create_an_outbound_call(vozagent: Client) -> None:
    answer = await vozagent.post("/calls/outbound", ORDER)
    assert answer.status_code == 201
    made = answer.json()
    assert (
        made.items()
        >= {
            "status": "queued",
            "direction": "outbound",
            "to_phone": "+15551234567",
            "assistant_name": "Voz",
            "is_new_contact": True,
        }.items()
    )
    assert made["created_at"].endswith("Z")
    assert isinstance(made["call_id"], str)
    contact = (await vozagent.get(f"/contacts/{made['contact_id']}")).json()
    assert (contact["first_name"], contact["notes"]) == ("John", ORDER["notes"])
    by_id = {"phone_number": "+15551234567", "assistant_id": "voz-1", "first_name": "Jack"}
    again = (await vozagent.post("/calls/outbound", by_id)).json()
    assert (again["is_new_contact"], again["contact_id"]) == (False, made["contact_id"])
    assert again["assistant_name"] == "Voz"
    assert (await vozagent.get(f"/contacts/{made['contact_id']}")).json() == contact


async def test_rows_17_and_19_a_call_that_was_made(at_work: Engine, vozagent: Client) -> None:
    body = ORDER | {"phone_number": "+14155550151", "source": "website", "tags": "hot, web"}
    made = (await vozagent.post("/calls/outbound", body)).json()
    ended = await until_over(vozagent, made["call_id"])
    assert (ended["id"], ended["call_type"], ended["call_status"]) == (
        made["call_id"],
        "outbound",
        "completed",
    )
    assert (ended["assistant_id"], ended["customer_phone_number"]) == ("voz-1", "+14155550151")
    assert type(ended["duration_seconds"]) is int
    assert ended["recording_url"].startswith("http")
    assert ended["call_started_at"] <= ended["call_ended_at"]
    assert ended["appointment_booked"] is False
    assert at_work.called().count("+14155550151") == 1
    contact = (await vozagent.get(f"/contacts/{made['contact_id']}")).json()
    assert contact["tags"] == ["hot", "web"]

    query = "limit=50&offset=0&status=completed&call_type=outbound"
    listed = (await vozagent.get(f"/calls?{query}")).json()
    (one,) = [call for call in listed if call["id"] == made["call_id"]]
    assert one.items() <= ended.items()
    assert set(one) >= {"id", "call_type", "call_status", "duration_seconds"}
    assert {call["call_status"] for call in listed} == {"completed"}
    mine = (await vozagent.get(f"/calls?contact_id={made['contact_id']}")).json()
    assert [call["id"] for call in mine] == [made["call_id"]]
    assert (await vozagent.get("/calls?call_type=inbound")).json() == []
    assert len((await vozagent.get("/calls?limit=1")).json()) == 1
    assert (await vozagent.get("/calls?limit=101")).status_code == 400


async def test_row_17_calls_in_progress(at_work: Engine, vozagent: Client) -> None:
    with people(at_work, talk_seconds=[600, 600]):
        body = ORDER | {"phone_number": "+14155550152"}
        made = (await vozagent.post("/calls/outbound", body)).json()

        async def talks() -> bool:
            listed = await vozagent.get("/calls?status=in-progress")
            assert listed.status_code == 200
            return [call["id"] for call in listed.json()] == [made["call_id"]]

        await until_true(talks)


async def test_row_19_a_call_that_there_is_not(vozagent: Client) -> None:
    answer = await vozagent.get("/calls/nosuch")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_row_25_what_webhooks_tell(
    at_work: Engine, vozagent: Client, customer: Receiver
) -> None:
    events = ["contact.created", "call.started", "call.completed"]
    endpoint = {"name": "Mine", "url": customer.url, "events": events}
    hook = (await vozagent.post("/webhooks", endpoint)).json()
    calls = {}
    with people(at_work, overrides={"+14155550162": ["busy"]}):
        for number in ("+14155550161", "+14155550162"):
            order = ORDER | {"phone_number": number}
            calls[number] = (await vozagent.post("/calls/outbound", order)).json()
        assert (await until_over(vozagent, calls["+14155550162"]["call_id"]))[
            "call_status"
        ] == "busy"

        async def delivered() -> bool:
            return len(customer.taken) >= 4

        await until_true(delivered)
    answered = calls["+14155550161"]
    stories: dict[str, list[str]] = {}
    for one in customer.taken:
        stories.setdefault(one.event["data"]["id"], []).append(one.event["event"])
    assert stories == {
        answered["call_id"]: ["call.started", "call.completed"],
        answered["contact_id"]: ["contact.created"],
        calls["+14155550162"]["contact_id"]: ["contact.created"],
    }
    completed = customer.taken[-1].event["data"]
    assert (completed["call_status"], completed["contact_id"]) == (
        "completed",
        answered["contact_id"],
    )
    await vozagent.send("DELETE", f"/webhooks/{hook['id']}")


async def test_an_assistants_number_is_shown(at_work: Engine, key: str, vozagent: Client) -> None:
    """The number that was assigned to it, before the call is placed too."""
    headers = {"authorization": f"Bearer {key}"}
    async with client_at(at_work.api) as http:
        await http.post("/v1/agents", headers=headers, json={"id": "voz-2", "name": "Second"})
        number = {"phone": "+18005550144", "agent_id": "voz-2"}
        assert (await http.post("/v1/phone-numbers", headers=headers, json=number)).is_success
    order = {"phone_number": "+14155550177", "assistant_id": "voz-2"}
    made = (await vozagent.post("/calls/outbound", order)).json()
    shown = (await vozagent.get(f"/calls/{made['call_id']}")).json()
    assert shown["assistant_phone_number"] == "+18005550144"
    await until_over(vozagent, made["call_id"])
    (placed,) = [
        call.order
        for call in at_work.network.simulation.network.calls.values()
        if call.order.to == "+14155550177"
    ]
    assert placed.caller == "+18005550144"
