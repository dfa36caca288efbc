"""What an answer of a compatible API shows besides is for keys that may read it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.v1.conftest import Customer, bearer, new_key
from tests.services.world import World


async def headers(world: World, *scopes: str) -> dict[str, str]:
    return bearer((await new_key(world, scopes=scopes)).text)


async def test_assistants_show_numbers_to_whom_may_read_them(
    us: Customer, api: httpx.AsyncClient, world: World
) -> None:
    await us.http.post("/v1/agents", json={"id": "desk", "name": "Desk"})
    number = {"phone": "+12025550188", "agent_id": "desk"}
    kept = (await us.http.post("/v1/phone-numbers", json=number)).json()["id"]
    for scopes, shown in (
        (("agents:read",), None),
        (("agents:read", "phone_numbers:read"), kept),
    ):
        mine = await headers(world, *scopes)
        one = await api.get("/compat/vozagent/v1/assistants/desk", headers=mine)
        many = await api.get("/compat/vozagent/v1/assistants", headers=mine)
        assert one.json()["phone_number_id"] == shown
        assert [each["phone_number_id"] for each in many.json()] == [shown]


@pytest.fixture
async def appointment(us: Customer) -> tuple[str, str]:
    """Somebody's, and their contact."""
    person = {"phone": "+12125550147", "first_name": "Ana", "email": "ana@example.com"}
    contact = (await us.http.post("/v1/contacts", json=person)).json()["id"]
    made = await us.http.post(
        "/compat/voxanne/api/appointments",
        json={"serviceType": "Checkup", "scheduledAt": "2026-12-01T15:00:00Z",
              "contact_id": contact},
    )  # fmt: skip
    assert made.status_code == 201, made.text
    return made.json()["id"], contact


async def test_appointments_show_contacts_to_whom_may_read_them(
    appointment: tuple[str, str], api: httpx.AsyncClient, world: World
) -> None:
    made, contact = appointment
    path = "/compat/voxanne/api/appointments"
    for scopes, name in (
        (("appointments:read",), None),
        (("appointments:read", "contacts:read"), "Ana"),
    ):
        mine = await headers(world, *scopes)
        one = (await api.get(f"{path}/{made}", headers=mine)).json()
        (listed,) = (await api.get(path, headers=mine)).json()["appointments"]
        assert one["contact_name"] == listed["contact_name"] == name
        assert bool(one["contact_email"]) is (name is not None)
        answer = await api.get(path, params={"contact_id": contact}, headers=mine)
        assert answer.status_code == (403 if name is None else 200)


async def test_contacts_show_histories_to_whom_may_read_them(
    appointment: tuple[str, str], api: httpx.AsyncClient, world: World
) -> None:
    _, contact = appointment
    path = f"/compat/voxanne/api/contacts/{contact}"
    plain = (await api.get(path, headers=await headers(world, "contacts:read"))).text
    more = await headers(world, "contacts:read", "appointments:read", "calls:read")
    assert "Checkup" not in plain
    assert "Checkup" in (await api.get(path, headers=more)).text


CALLS: dict[str, tuple[str, dict[str, Any], str]] = {
    "a contact is made": (
        "/compat/vozagent/v1/calls/outbound",
        {"phone_number": "+12125550149", "assistant_id": "a"}, "contacts:write",
    ),
    "a contact is called": (
        "/compat/voxanne/api/contacts/CONTACT/call-back", {"agentId": "a"}, "contacts:read",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CALLS)
async def test_a_call_that_uses_contacts_needs_both(
    appointment: tuple[str, str], api: httpx.AsyncClient, world: World, what: str
) -> None:
    path, body, also = CALLS[what]
    path = path.replace("CONTACT", appointment[1])
    refused = await api.post(path, json=body, headers=await headers(world, "calls:write"))
    assert refused.status_code == 403
    assert also in refused.text
    taken = await api.post(path, json=body, headers=await headers(world, "calls:write", also))
    assert taken.status_code == 201, taken.text
