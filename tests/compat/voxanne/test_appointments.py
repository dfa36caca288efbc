"""Appointments over Voxanne's API (rows 56 to 59), and what its webhooks tell of them (row 63)."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.builders import phone
from tests.compat.receiver import customer_server
from tests.compat.voxanne.conftest import new_contact
from tests.e2e.engine import Engine
from tests.serving import client_at
from tests.waiting import until

AT = "2026-12-01T15:00:00Z"


async def booked(http: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    order = {"serviceType": "Consultation", "scheduledAt": AT} | changes
    answer = await http.post("/api/appointments", json=order)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_56_a_list_by_page(http: httpx.AsyncClient) -> None:
    contact = await new_contact(http, phone(801))
    days = ["2026-12-03", "2026-12-01", "2026-12-02"]
    made = {
        day: await booked(http, contact_id=contact["id"], scheduledAt=f"{day}T15:00:00Z")
        for day in days
    }
    mine = {"contact_id": contact["id"]}
    answer = await http.get("/api/appointments", params=mine)
    assert answer.status_code == 200
    assert answer.json().keys() == {"appointments", "pagination"}
    assert answer.json()["appointments"] == [made[day] for day in sorted(days)]
    assert answer.json()["pagination"] == {"page": 1, "limit": 20, "total": 3, "pages": 1}

    async def listed(**query: Any) -> list[str]:
        answer = await http.get("/api/appointments", params=mine | query)
        assert answer.status_code == 200, answer.text
        return [one["scheduled_at"][:10] for one in answer.json()["appointments"]]

    assert await listed(page=2, limit=2) == ["2026-12-03"]
    assert await listed(startDate="2026-12-02", endDate="2026-12-02") == ["2026-12-02"]
    assert await listed(startDate="2026-12-02T15:00:01Z") == ["2026-12-03"]
    await http.patch(f"/api/appointments/{made['2026-12-02']['id']}", json={"status": "completed"})
    assert await listed(status="completed") == ["2026-12-02"]
    assert await listed(status="confirmed") == ["2026-12-01", "2026-12-03"]
    for wrong in ({"status": "danced"}, {"startDate": "soon"}):
        refused = await http.get("/api/appointments", params=wrong)
        assert (refused.status_code, refused.json().keys()) == (400, {"error"})
    shown = (await http.get(f"/api/contacts/{contact['id']}")).json()
    assert shown["total_appointments"] == 3
    assert {one["id"] for one in shown["appointment_history"]} == {a["id"] for a in made.values()}


async def test_57_an_appointment_is_made(http: httpx.AsyncClient) -> None:
    contact = await new_contact(http, phone(802), email="jane@example.com")
    answer = await http.post(
        "/api/appointments",
        json={"serviceType": "Consultation", "scheduledAt": AT, "contact_id": contact["id"]},
    )
    assert answer.status_code == 201
    made = answer.json()
    body = {
        "service_type": "Consultation",
        "status": "confirmed",
        "duration_minutes": 45,
        "confirmation_sent": False,
        "contact_id": contact["id"],
        "contact_name": "Jane Doe",
        "contact_email": "jane@example.com",
        "phone_number": phone(802),
        "notes": None,
        "deleted_at": None,
        "call_id": None,
    }
    assert made.items() >= body.items()
    assert isinstance(made["id"], str)
    for name in ("scheduled_at", "scheduled_time"):
        assert datetime.fromisoformat(made[name]) == datetime.fromisoformat(AT)
    shown = await http.get(f"/api/appointments/{made['id']}")
    assert (shown.status_code, shown.json()) == (200, made)
    walk_in = await booked(http, customerName="Ann", duration_minutes=20)
    assert (walk_in["contact_name"], walk_in["phone_number"]) == ("Ann", None)
    assert walk_in["duration_minutes"] == 20
    by_number = await booked(http, contactPhone=phone(802))
    assert by_number["contact_id"] == contact["id"]


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"scheduledAt": "2026-11-01T15:00:00Z"}, 400, "has passed"),
        ({"scheduledAt": None}, 400, "scheduledAt"),
        ({"serviceType": None}, 400, "serviceType"),
        ({"contactPhone": "12"}, 400, "phone"),
        ({"calendar": "No such name"}, 400, "name"),
        ({"duration_minutes": 17}, 400, "duration_minutes"),
        ({"contact_id": "nosuch"}, 404, "Contact not found"),
    ],
)
async def test_57_what_is_no_appointment(
    http: httpx.AsyncClient, changes: dict[str, Any], status: int, message: str
) -> None:
    order = {"serviceType": "Consultation", "scheduledAt": AT} | changes
    answer = await http.post("/api/appointments", json=order)
    assert (answer.status_code, answer.json().keys()) == (status, {"error"})
    assert message in answer.json()["error"]


async def test_58_an_appointment_is_changed(http: httpx.AsyncClient) -> None:
    made = await booked(http, contactPhone=phone(803))
    path = f"/api/appointments/{made['id']}"
    answer = await http.patch(path, json={"status": "completed"})
    assert answer.status_code == 200
    changed = answer.json()
    assert changed == made | {"status": "completed", "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > made["updated_at"]
    more = {"notes": "prefers mornings", "confirmationSent": True}
    noted = (await http.patch(path, json=more)).json()
    assert (noted["notes"], noted["confirmation_sent"]) == ("prefers mornings", True)
    moved = (await http.patch(path, json={"scheduled_at": "2026-12-02T16:00:00Z"})).json()
    assert moved["scheduled_at"].startswith("2026-12-02T16:00:00")
    assert (moved["duration_minutes"], moved["notes"]) == (45, "prefers mornings")
    for wrong in ({"status": "danced"}, {"scheduled_at": "2026-11-01T15:00:00Z"}):
        refused = await http.patch(path, json=wrong)
        assert (refused.status_code, refused.json().keys()) == (400, {"error"})
    unknown = await http.patch("/api/appointments/nosuch", json={"status": "completed"})
    assert (unknown.status_code, unknown.json()) == (404, {"error": "Appointment not found"})


async def test_59_an_appointment_is_cancelled(http: httpx.AsyncClient) -> None:
    made = await booked(http, contactPhone=phone(804))
    path = f"/api/appointments/{made['id']}"
    for _ in range(2):
        answer = await http.delete(path)
        assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert (await http.get(path)).json()["status"] == "cancelled"
    refused = await http.patch(path, json={"scheduled_at": "2026-12-02T16:00:00Z"})
    assert refused.status_code == 400
    assert "canceled" in refused.json()["error"]
    unknown = await http.delete("/api/appointments/nosuch")
    assert (unknown.status_code, unknown.json()) == (404, {"error": "Appointment not found"})


async def test_63_a_booked_appointment_is_told(at_work: Engine, http: httpx.AsyncClient) -> None:
    headers = {"authorization": http.headers["authorization"]}
    async with (
        customer_server("/webhooks/vapi") as customer,
        client_at(at_work.api, headers=headers) as own,
    ):
        target = {"url": customer.url, "events": ["appointment.booked"], "scheme": "voxanne"}
        endpoint = (await own.post("/v1/endpoints", json=target)).json()
        made = await booked(http, contactPhone=phone(805))

        async def delivered() -> bool:
            return bool(customer.requests)

        await until(delivered, timeout=30)
        await own.delete(f"/v1/endpoints/{endpoint['id']}")
    ((sent, body),) = customer.requests
    assert sent["content-type"] == "application/json"
    event = json.loads(body)
    assert (event["type"], event["appointment"]["id"]) == ("appointment.booked", made["id"])
    assert event["appointment"]["phone"] == phone(805)
    expected = hmac.new(endpoint["secret"].encode(), body, hashlib.sha256).hexdigest()
    assert sent["x-vapi-signature"] == expected
