"""VozAgent's API without a call being made (rows 11 to 16, 20 to 24, 26)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.api.v1.conftest import Customer, bearer
from tests.services.world import OTHER_TENANT, World

BASE = "/compat/vozagent/v1"
LISTS = ("calls", "contacts", "assistants", "phone-numbers", "webhooks")
JOHN: dict[str, Any] = {
    "first_name": "John",
    "last_name": "Smith",
    "email": "john@example.com",
    "phone_number": "+15551234567",
    "company": "Acme",
    "tags": ["lead", "kitchen"],
}


def require_refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The error in VozAgent's envelope."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) >= {"code", "message"}
    assert body["error"]["code"] == code
    return dict(body["error"])


@pytest.mark.parametrize("path", LISTS)
async def test_row_11_with_and_without_a_key(
    api: httpx.AsyncClient, us: Customer, path: str
) -> None:
    answer = await us.http.get(f"{BASE}/{path}")
    assert (answer.status_code, answer.json()) == (200, [])
    require_refused(await api.get(f"{BASE}/{path}"), 401, "unauthorized")
    wrong = await api.get(f"{BASE}/{path}", headers=bearer("YOUR_API_KEY"))
    require_refused(wrong, 401, "unauthorized")


async def test_row_12_the_error_of_the_reference(us: Customer) -> None:
    answer = await us.http.post(f"{BASE}/calls/outbound", json={"assistant_name": "Voz"})
    assert answer.status_code == 400
    assert answer.json() == {
        "error": {
            "code": "invalid_request",
            "message": "The request body is missing required fields",
            "details": {"missing_fields": ["phone_number"]},
        }
    }


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"phone_number": "+15551234567"}, 400, "invalid_request"),
        ({"phone_number": "5551234", "assistant_id": "a"}, 400, "invalid_request"),
        ({"phone_number": "+15551234567", "assistant_name": "Nobody"}, 404, "not_found"),
    ],
)
async def test_calls_that_cannot_be_asked_for(
    us: Customer, body: dict[str, Any], status: int, code: str
) -> None:
    answer = await us.http.post(f"{BASE}/calls/outbound", json=body)
    require_refused(answer, status, code)
    assert (await us.http.get(f"{BASE}/contacts")).json() == []


async def test_rows_13_to_16_contacts(us: Customer, them: Customer, world: World) -> None:
    made = await us.http.post(f"{BASE}/contacts", json=JOHN)
    assert made.status_code == 201
    john = made.json()
    assert {name: john[name] for name in JOHN} == JOHN
    other = JOHN | {"phone_number": "+14155551234", "tags": ["lead"], "first_name": "Jane"}
    world.clock.now += timedelta(seconds=1)
    await us.http.post(f"{BASE}/contacts", json=other)
    listed = (await us.http.get(f"{BASE}/contacts")).json()
    assert [one["first_name"] for one in listed] == ["John", "Jane"]
    for query, names in [
        ("limit=1", ["John"]),
        ("limit=1&offset=1", ["Jane"]),
        ("tags=lead,kitchen", ["John"]),
        ("search=jane", ["Jane"]),
        ("limit=0", []),
    ]:
        page = (await us.http.get(f"{BASE}/contacts?{query}")).json()
        assert [one["first_name"] for one in page] == names
    path = f"{BASE}/contacts/{john['id']}"
    change = {"company": "Updated Company", "notes": "Follow up next week"}
    changed = await us.http.patch(path, json=change)
    assert changed.status_code == 200
    assert changed.json()["updated_at"] > john["updated_at"]
    assert changed.json() == john | change | {"updated_at": changed.json()["updated_at"]}
    for request in ("GET", "PATCH", "DELETE"):
        stolen = await them.http.request(request, path, json={} if request == "PATCH" else None)
        require_refused(stolen, 404, "not_found")
    assert (await us.http.delete(path)).is_success
    require_refused(await us.http.get(path), 404, "not_found")


async def test_rows_20_and_21_assistants(us: Customer) -> None:
    for agent in (
        {"id": "voz", "name": "Voz", "settings": {"voice_id": "rachel", "first_message": "Hi"}},
        {"id": "old", "name": "Old", "is_active": False},
    ):
        assert (await us.http.post("/v1/agents", json=agent)).status_code == 201
    number = {"phone": "+12025550100", "agent_id": "voz"}
    number_id = (await us.http.post("/v1/phone-numbers", json=number)).json()["id"]
    query = "is_active=true&assistant_type=outbound"
    (voz,) = (await us.http.get(f"{BASE}/assistants?{query}")).json()
    assert (voz["id"], voz["name"], voz["is_active"]) == ("voz", "Voz", True)
    assert (voz["assistant_type"], voz["phone_number_id"]) == ("outbound", number_id)
    assert (await us.http.get(f"{BASE}/assistants?assistant_type=inbound")).json() == []
    assistant = (await us.http.get(f"{BASE}/assistants/voz")).json()
    assert assistant.items() >= voz.items()
    assert (assistant["voice_id"], assistant["first_message"]) == ("rachel", "Hi")
    missing = await us.http.get(f"{BASE}/assistants/nosuch")
    require_refused(missing, 404, "not_found")


async def test_row_22_phone_numbers(us: Customer, world: World) -> None:
    for number in ({"phone": "+12025550100", "label": "Desk"}, {"phone": "+12025550101"}):
        world.clock.now += timedelta(seconds=1)
        assert (await us.http.post("/v1/phone-numbers", json=number)).status_code == 201
    listed = (await us.http.get(f"{BASE}/phone-numbers?status=active")).json()
    assert [one["phone_number"] for one in listed] == ["+12025550100", "+12025550101"]
    assert (listed[0]["label"], listed[0]["provider"], listed[0]["status"]) == (
        "Desk",
        "simulated",
        "active",
    )
    assert (await us.http.get(f"{BASE}/phone-numbers?status=pending")).json() == []
    assert (await us.http.get(f"{BASE}/phone-numbers?provider=twilio")).json() == []
    wrong = await us.http.get(f"{BASE}/phone-numbers?status=broken")
    require_refused(wrong, 400, "invalid_request")


async def test_rows_23_and_24_webhooks(us: Customer, them: Customer) -> None:
    endpoint = {
        "name": "My Webhook",
        "url": "https://yourapp.com/webhooks",
        "events": ["contact.created", "call.completed"],
    }
    answer = await us.http.post(f"{BASE}/webhooks", json=endpoint)
    made = answer.json()
    assert answer.status_code == 201
    assert {name: made[name] for name in endpoint} == endpoint
    assert made["is_active"] is True
    assert isinstance(made["id"], str)
    assert made["created_at"].endswith("Z")
    assert made["secret"].startswith("whsec_")
    masked = made | {"secret": "whsec_*****"}
    assert (await us.http.get(f"{BASE}/webhooks")).json() == [masked]
    path = f"{BASE}/webhooks/{made['id']}"
    change = {"events": ["call.completed", "appointment.booked"], "isActive": True}
    changed = await us.http.patch(path, json=change)
    assert changed.status_code == 200
    assert (changed.json()["events"], changed.json()["is_active"]) == (change["events"], True)
    off = await us.http.patch(path, json={"isActive": False})
    assert (off.json()["is_active"], off.json()["events"]) == (False, change["events"])
    require_refused(await them.http.patch(path, json={"isActive": True}), 404, "not_found")
    require_refused(await them.http.delete(path), 404, "not_found")
    assert (await us.http.delete(path)).is_success
    assert (await us.http.get(f"{BASE}/webhooks")).json() == []
    require_refused(await us.http.delete(path), 404, "not_found")


async def test_webhooks_that_cannot_be(us: Customer) -> None:
    good = {"name": "A", "url": "https://yourapp.com/webhooks", "events": ["lead.qualified"]}
    for change in (
        {},  # it never happens here, and nothing else is asked for
        {"events": ["call.danced"]},
        {"events": ["call.completed"], "url": "http://yourapp.com/webhooks"},
        {"events": ["call.completed"], "url": "https://127.0.0.1/webhooks"},
    ):
        answer = await us.http.post(f"{BASE}/webhooks", json=good | change)
        require_refused(answer, 400, "invalid_request")
    both = good | {"events": ["call.completed", "lead.qualified"]}
    made = await us.http.post(f"{BASE}/webhooks", json=both)
    assert made.json()["events"] == both["events"]


async def test_an_endpoint_of_ours_is_no_webhook_of_theirs(us: Customer) -> None:
    made = (await us.http.post("/v1/endpoints", json={"url": "https://example.com/x"})).json()
    assert (await us.http.get(f"{BASE}/webhooks")).json() == []
    require_refused(await us.http.delete(f"{BASE}/webhooks/{made['id']}"), 404, "not_found")


async def test_row_26_and_76_paths_and_methods(us: Customer) -> None:
    assert (await us.http.get("/compat/vozagent/v1/calls")).status_code == 200
    require_refused(await us.http.get("/compat/vozagent/v1/v1/calls"), 404, "not_found")
    require_refused(await us.http.get(f"{BASE}/nosuch"), 404, "not_found")
    require_refused(await us.http.delete(f"{BASE}/calls"), 405, "method_not_allowed")


async def test_another_tenants_contact_is_another_contact(us: Customer, them: Customer) -> None:
    assert them.tenant == OTHER_TENANT
    for customer in (us, them):
        made = await customer.http.post(f"{BASE}/contacts", json=JOHN)
        assert made.status_code == 201
    again = await us.http.post(f"{BASE}/contacts", json=JOHN)
    require_refused(again, 400, "invalid_request")
