"""Contacts and agents at Voxpria's API."""

from __future__ import annotations

from typing import Any

import pytest

from outdial.api.compat import totals
from tests.api.v1.conftest import Customer
from tests.compat.voxpria.test_doors import BASE, require_refused

JANE: dict[str, Any] = {
    "phone": "+14155551234",
    "firstName": "Jane",
    "lastName": "Doe",
    "email": "jane@example.com",
    "metadata": {"plan": "gold"},
}


async def test_a_contact_made_changed_and_deleted(us: Customer) -> None:
    made = (await us.http.post(f"{BASE}/contacts", json=JANE)).json()
    assert made["success"] is True
    contact_id = made["data"].pop("contactId")
    assert made["data"].pop("createdAt").endswith("Z")
    assert made["data"] == JANE
    require_refused(await us.http.post(f"{BASE}/contacts", json=JANE), 400)
    path = f"{BASE}/contacts/{contact_id}"
    changed = (await us.http.put(path, json={"lastName": "Roe"})).json()["data"]
    assert (changed["firstName"], changed["lastName"]) == ("Jane", "Roe")
    assert (await us.http.delete(path)).json()["success"] is True
    require_refused(await us.http.delete(path), 404)
    require_refused(await us.http.put(path, json={"lastName": "Roe"}), 404)


async def test_many_contacts_at_once(us: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    await us.http.post(f"{BASE}/contacts", json=JANE)
    new = [{"phone": f"+1415555{n:04}", "firstName": f"P{n}"} for n in range(1000, 1600)]
    sent = [JANE, *new, new[0], {"phone": "nobody"}]
    answer = await us.http.post(f"{BASE}/contacts/bulk", json={"contacts": sent})
    created = answer.json()["data"]
    # One of the new ones has Jane's number, 1234.
    assert (created["imported"], created["skipped"]) == (599, 3)
    (error,) = created["errors"]
    assert (error["index"], error["phone"]) == (602, "nobody")
    listed = (await us.http.get(f"{BASE}/contacts?page=2&limit=100")).json()
    assert (len(listed["data"]), listed["pagination"]) == (
        100,
        {"page": 2, "limit": 100, "total": 600},
    )
    monkeypatch.setattr(totals, "AHEAD", 30)
    for page, total in ((2, 230), (6, 600)):
        listed = (await us.http.get(f"{BASE}/contacts?page={page}&limit=100")).json()
        assert listed["pagination"]["total"] == total


async def test_more_contacts_than_one_import_may_have(us: Customer) -> None:
    body = {"contacts": [{"phone": "+14155551234"}] * 10_001}
    require_refused(await us.http.post(f"{BASE}/contacts/bulk", json=body), 400)


async def test_agents(us: Customer) -> None:
    agent = {
        "id": "agent_abc123",
        "name": "Front desk",
        "settings": {"first_message": "Hello"},
        "metadata": {"language": "en"},
    }
    assert (await us.http.post("/v1/agents", json=agent)).status_code == 201
    (listed,) = (await us.http.get(f"{BASE}/agents")).json()["data"]
    assert (listed["agentId"], listed["name"], listed["status"]) == (
        "agent_abc123",
        "Front desk",
        "active",
    )
    order = {"agentId": "agent_abc123", "toNumber": "+14155551234"}
    assert (await us.http.post(f"{BASE}/calls", json=order)).status_code == 200
    shown = (await us.http.get(f"{BASE}/agents/agent_abc123")).json()["data"]
    assert shown["configuration"]["greeting"] == "Hello"
    assert shown["stats"]["totalCalls"] == 1
    require_refused(await us.http.get(f"{BASE}/agents/nosuch"), 404)
