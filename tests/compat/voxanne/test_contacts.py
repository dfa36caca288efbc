"""Contacts over Voxanne's API, and calls to them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from outdial.domain.call.status import CallStatus
from outdial.services.accounts import directory
from outdial.services.accounts.directory import AGENTS
from tests.builders import phone
from tests.compat.voxanne.conftest import new_agent, new_contact, until_done
from tests.e2e.engine import Engine


async def test_51_a_list_by_page(http: httpx.AsyncClient) -> None:
    for number in range(3):
        await new_contact(http, phone(300 + number), name=f"Pager {number}", leadStatus="hot")
    answer = await http.get("/api/contacts", params={"search": "Pager", "limit": 2, "page": 2})
    assert answer.status_code == 200
    assert answer.json()["pagination"] == {"page": 2, "limit": 2, "total": 3, "pages": 2}
    assert [one["contact_name"] for one in answer.json()["contacts"]] == ["Pager 2"]
    hot = (await http.get("/api/contacts", params={"leadStatus": "hot"})).json()
    assert hot["pagination"] == {"page": 1, "limit": 20, "total": 3, "pages": 1}
    longest = (await http.get("/api/contacts", params={"limit": 500})).json()
    assert longest["pagination"]["limit"] == 100


async def test_52_the_sample_creates_a_contact_once(http: httpx.AsyncClient) -> None:
    body = {"name": "Jane Doe", "phone": "+14155551234"}
    answer = await http.post("/api/contacts", json=body)
    assert answer.status_code == 201
    made = answer.json()
    assert made["id"]
    assert (made["contact_name"], made["phone_number"]) == ("Jane Doe", "+14155551234")
    assert made["lead_status"] == "warm"
    again = await http.post("/api/contacts", json=body)
    assert (again.status_code, again.json()) == (
        400,
        {"error": "Contact with this phone number already exists in your organization"},
    )


@pytest.mark.parametrize("wrong", [{"name": "Jane"}, {"phone": "+14155551299"}, {"phone": "123"}])
async def test_52_what_is_no_contact(http: httpx.AsyncClient, wrong: dict[str, Any]) -> None:
    answer = await http.post("/api/contacts", json=wrong)
    assert answer.status_code == 400
    assert answer.json().keys() == {"error"}


async def test_53_a_contact_and_its_calls(at_work: Engine, http: httpx.AsyncClient) -> None:
    await new_agent(http)
    contact = await new_contact(http, phone(310))
    made = (await http.post(f"/api/contacts/{contact['id']}/call-back")).json()
    answer = await http.get(f"/api/contacts/{contact['id']}")
    assert answer.status_code == 200
    shown = answer.json()
    assert {name: shown[name] for name in contact if name != "last_contact_time"} == {
        name: value for name, value in contact.items() if name != "last_contact_time"
    }
    assert (shown["total_calls"], shown["call_history"][0]["id"]) == (1, made["vapiCallId"])
    unknown = await http.get("/api/contacts/nosuch")
    assert (unknown.status_code, unknown.json()) == (404, {"error": "Contact not found"})


async def test_54_notes_are_changed(http: httpx.AsyncClient) -> None:
    contact = await new_contact(http, phone(320), serviceInterests=["Botox"])
    changed = await http.patch(
        f"/api/contacts/{contact['id']}", json={"notes": "mornings", "leadStatus": "cold"}
    )
    assert changed.status_code == 200
    after = (await http.get(f"/api/contacts/{contact['id']}")).json()
    assert (after["notes"], after["lead_status"]) == ("mornings", "cold")
    assert (after["services_interested"], after["contact_name"]) == (["Botox"], "Jane Doe")


BODIES: list[dict[str, Any]] = [
    {},
    {"json": {}},
    {"headers": {"content-type": "application/json"}},
]


@pytest.mark.parametrize("sent", BODIES, ids=["absent", "empty", "absent-with-its-type"])
async def test_55_a_contact_is_called_back(
    at_work: Engine, http: httpx.AsyncClient, sent: dict[str, Any]
) -> None:
    await new_agent(http)
    number = phone(330 + BODIES.index(sent))
    contact = await new_contact(http, number)
    answer = await http.post(f"/api/contacts/{contact['id']}/call-back", **sent)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["contactId"], body["phone"], body["status"]) == (
        contact["id"],
        number,
        "ringing",
    )
    view = await until_done(at_work, body["vapiCallId"])
    assert view.status is CallStatus.COMPLETED
    assert at_work.called().count(number) == 1


async def test_55_by_the_agent_that_is_named(at_work: Engine, http: httpx.AsyncClient) -> None:
    agent = await new_agent(http, name="The other one")
    contact = await new_contact(http, phone(340))
    answer = await http.post(
        f"/api/contacts/{contact['id']}/call-back", json={"agentId": agent["id"]}
    )
    view = await until_done(at_work, answer.json()["vapiCallId"])
    assert view.agent == agent["id"]


async def test_55_nobody_can_be_called(at_work: Engine, http: httpx.AsyncClient) -> None:
    unknown = await http.post("/api/contacts/nosuch/call-back")
    assert (unknown.status_code, unknown.json()) == (404, {"error": "Contact not found"})
    for agent in await directory.page(at_work.ctx, AGENTS, limit=1000):
        await directory.remove(at_work.ctx, AGENTS, agent.id)
    contact = await new_contact(http, phone(350))
    refused = await http.post(f"/api/contacts/{contact['id']}/call-back")
    assert refused.status_code == 400
    assert "agent" in refused.json()["error"]


async def test_a_contact_is_found_by_the_whole_name(http: httpx.AsyncClient) -> None:
    made = await new_contact(http, phone(560), name="Zenobia van der Berg")
    for search in ("Zenobia van der Berg", "zenobia  VAN der", "van der Berg", "Berg"):
        answer = await http.get("/api/contacts", params={"search": search})
        assert [one["id"] for one in answer.json()["contacts"]] == [made["id"]], search
    answer = await http.get("/api/contacts", params={"search": "Zenobia Berg"})
    assert answer.json()["contacts"] == []
