"""Instants that no calendar can be computed with, at every door that takes one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import serving_world
from tests.api.desk import Desk, desk
from tests.api.v1.conftest import Customer
from tests.api.v1.test_calls import ORDER, place
from tests.services.world import World

__all__ = ["desk", "serving_world"]

FAR = [
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "3000-01-01T00:00:00Z",
]
AHEAD = ["2027-11-25T15:00:00Z", "2500-01-01T00:00:00Z"]


@pytest.mark.parametrize("at", [*FAR, *AHEAD])
async def test_a_call_is_scheduled_within_a_year(us: Customer, world: World, at: str) -> None:
    refused = await us.http.post("/v1/calls", json=ORDER | {"scheduled_at": at})
    assert refused.status_code == 422, refused.text
    assert "scheduled_at" in refused.text
    # Nobody else's call is held up by it.
    made = await us.http.post("/v1/calls", json=ORDER)
    assert made.status_code == 202
    assert len(await place(world)) == 1


@pytest.mark.parametrize("at", FAR)
async def test_no_other_door_takes_one_either(us: Customer, at: str) -> None:
    appointment = {"calendar": "clinic", "title": "x", "phone": "+12125550143", "starts_at": at}
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/v1/appointments", {"json": appointment}),
        ("POST", "/v1/keys", {"json": {"name": "x", "scopes": ["calls:read"], "expires_at": at}}),
        ("GET", "/v1/calls", {"params": {"created_from": at}}),
        ("GET", "/v1/calls", {"params": {"created_before": at}}),
        ("GET", "/v1/appointments", {"params": {"starts_from": at}}),
        ("GET", "/v1/deliveries", {"params": {"created_before": at}}),
    ]
    for method, path, request in requests:
        answer = await us.http.request(method, path, **request)
        assert answer.status_code == 422, (path, answer.text)


@pytest.mark.parametrize("at", ["1971-01-01T00:00", "2999-12-31T23:59", "2027-03-10T10:00"])
async def test_no_tool_promises_anything_then(desk: Desk, at: str) -> None:
    call = desk.call()
    for tool in ("call_me_later", "book_appointment", "check_availability", "move_appointment"):
        answer = await desk.ask(tool, call, at=at)
        assert not answer["ok"], (tool, answer)
    desk.house.end(call)
