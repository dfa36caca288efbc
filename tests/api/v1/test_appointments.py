"""Appointments over HTTP: entered, found, moved, canceled, and what was done to them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.api.v1.conftest import Customer
from tests.services.world import NOW, NUMBERS

FIRST = NOW + timedelta(days=30)
CHECKUP = {"calendar": "clinic", "title": "Checkup", "phone": NUMBERS[0]}


async def entered(us: Customer, days: int = 0, **changes: Any) -> dict[str, Any]:
    body = CHECKUP | {"starts_at": (FIRST + timedelta(days=days)).isoformat()} | changes
    answer = await us.http.post("/v1/appointments", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_an_appointment_from_first_to_last(us: Customer) -> None:
    made = await entered(us, duration_minutes=45)
    assert (made["status"], made["phone"], made["call_id"]) == ("confirmed", NUMBERS[0], None)
    path = f"/v1/appointments/{made['id']}"
    moved_to = (FIRST + timedelta(days=1)).isoformat()
    moved = await us.http.patch(path, json={"starts_at": moved_to, "notes": "with her dog"})
    assert moved.status_code == 200
    assert (moved.json()["notes"], moved.json()["status"]) == ("with her dog", "confirmed")
    assert moved.json()["starts_at"] > made["starts_at"]
    assert (await us.http.delete(path)).status_code == 204
    assert (await us.http.delete(path)).status_code == 204
    shown = (await us.http.get(path)).json()
    assert shown["status"] == "canceled"
    assert [one["change"] for one in shown["history"]] == ["booked", "moved", "canceled"]
    late = await us.http.patch(path, json={"status": "completed"})
    assert late.status_code == 422


async def test_the_same_key_enters_it_once(us: Customer) -> None:
    body = CHECKUP | {"starts_at": FIRST.isoformat()}
    headers = {"idempotency-key": "once"}
    answers = [await us.http.post("/v1/appointments", json=body, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len((await us.http.get("/v1/appointments")).json()["items"]) == 1


async def test_they_are_found_and_paged_by_their_times(us: Customer) -> None:
    made = {days: await entered(us, days) for days in (2, 0, 1)}
    other = await entered(us, 3, calendar="annex", phone=NUMBERS[1])
    in_order = [made[0]["id"], made[1]["id"], made[2]["id"], other["id"]]

    async def listed(**query: Any) -> list[str]:
        answer = await us.http.get("/v1/appointments", params=query)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["items"]]

    assert await listed() == in_order
    assert await listed(calendar="annex") == await listed(phone=NUMBERS[1]) == [other["id"]]
    since, before = made[1]["starts_at"], made[2]["starts_at"]
    assert await listed(starts_from=since, starts_before=before) == [made[1]["id"]]
    await us.http.delete(f"/v1/appointments/{made[1]['id']}")
    assert await listed(status="canceled") == [made[1]["id"]]
    ids: list[str] = []
    cursor = None
    while cursor is not None or not ids:
        query: dict[str, Any] = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await us.http.get("/v1/appointments", params=query)).json()
        ids += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert ids == in_order


async def test_what_cannot_be(us: Customer) -> None:
    body = CHECKUP | {"starts_at": (NOW - timedelta(days=1)).isoformat()}
    past = await us.http.post("/v1/appointments", json=body)
    assert (past.status_code, "has passed" in past.json()["detail"]) == (422, True)
    nobody = CHECKUP | {"starts_at": FIRST.isoformat(), "contact_id": "nosuch"}
    assert (await us.http.post("/v1/appointments", json=nobody)).status_code == 404
