"""Two tenants: whatever one of them tries with the other's objects, there is nothing there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from outdial.api.v1.app import create_v1
from outdial.domain.endpoint import EventType
from outdial.services.operations.lines import announce_lines
from outdial.store.campaign import campaigns
from outdial.store.webhooks import outbox
from outdial.store.webhooks.outbox import OutboxEvent
from tests.api.v1.conftest import Customer
from tests.api.v1.test_calls import ORDER
from tests.api.v1.test_campaigns import definition
from tests.services.world import NOW, NUMBERS, World

TIMES = [2, pytest.param(20, marks=pytest.mark.faults)]
"""Attempts at each route: an answer might be remembered from the ones before."""
APPOINTMENT = {
    "calendar": "clinic",
    "title": "Checkup",
    "starts_at": (NOW + timedelta(days=30)).isoformat(),
}
BODIES: dict[str, Any] = {
    "PATCH /appointments/{appointment_id}": {"notes": "x"},
    "PATCH /contacts/{contact_id}": {"notes": "x"},
    "PATCH /agents/{agent_id}": {"name": "x"},
    "PATCH /phone-numbers/{number_id}": {"label": "x"},
    "PATCH /endpoints/{endpoint_id}": {"name": "x"},
    "PATCH /keys/{key_id}": {"enabled": False},
    "POST /campaigns/{name}/apply": definition(),
    "POST /campaigns/{name}/recipients": {"recipients": [{"phone": NUMBERS[0]}]},
}
QUERIES = {
    "GET /campaigns/{name}/diff": {"before": 1, "after": 1},
    "GET /campaigns/{name}/explain": {"phone": NUMBERS[0]},
    "DELETE /suppressions/{number}": {"reason": "x"},
}


def routes() -> Iterator[tuple[str, str]]:
    """Method and path of every route that names an object."""
    for path, methods in create_v1().openapi()["paths"].items():
        if "{" in path:
            yield from ((method.upper(), path) for method in methods)


@pytest_asyncio.fixture(loop_scope="session")
async def theirs(them: Customer, world: World) -> dict[str, str]:
    """Everything that another tenant has, by the parameter that names it."""
    await announce_lines(world.ctx)

    async def made(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await them.http.post(f"/v1{path}", json=body)
        assert answer.is_success, answer.text
        return dict(answer.json())

    campaign = definition(line="others")
    await made("/campaigns", campaign)
    await made("/suppressions", {"numbers": [NUMBERS[0]], "reason": "asked"})
    call = await made("/calls", ORDER | {"line": "others", "to": NUMBERS[1]})
    endpoint = await made("/endpoints", {"url": "https://example.invalid/hooks"})
    test = OutboxEvent(EventType.TEST.value, "test", {})
    await world.ctx.database.write(lambda s: outbox.publish(s, them.tenant, [test], now=NOW))
    text = "name: uploaded\npurpose: informational\nagent: a\nline: others\nrecipients: {csv: c}"
    form = {"definition": (None, text), "contacts": ("c.csv", f"phone\n{NUMBERS[2]}\n")}
    launch = await them.http.post("/v1/campaigns", files=form)
    # The campaign may have started by now, and be a delivery too.
    tests = await them.http.get("/v1/deliveries", params={"type": EventType.TEST.value})
    (delivery,) = tests.json()["items"]
    return {
        "name": campaign["name"],
        "launch_id": launch.json()["id"],
        "call_id": call["id"],
        "contact_id": (await made("/contacts", {"phone": NUMBERS[0]}))["id"],
        "agent_id": (await made("/agents", {"name": "theirs"}))["id"],
        "number_id": (await made("/phone-numbers", {"phone": NUMBERS[0]}))["id"],
        "number": NUMBERS[0],
        "phone": NUMBERS[0],
        "appointment_id": (await made("/appointments", APPOINTMENT))["id"],
        "endpoint_id": endpoint["id"],
        "delivery_id": str(delivery["id"]),
        "line": "others",
        "key_id": them.key.key.id,
    }


def request_of(method: str, path: str, names: dict[str, str]) -> dict[str, Any]:
    name = "line" if path.startswith("/lines") else "name"
    filled = re.sub(r"\{name\}", names[name], path).format(**names)
    route = f"{method} {path}"
    request: dict[str, Any] = {"method": method, "url": f"/v1{filled}"}
    if route in BODIES:
        request["json"] = BODIES[route]
    if route in QUERIES:
        request["params"] = QUERIES[route]
    return request


@pytest.mark.parametrize("times", TIMES)
async def test_every_route_finds_nothing_of_another_tenants(
    us: Customer, them: Customer, theirs: dict[str, str], times: int
) -> None:
    unexpected = {}
    for method, path in routes():
        for _ in range(times):
            answer = await us.http.request(**request_of(method, path, theirs))
            if answer.status_code != 404:
                unexpected[f"{method} {path}"] = (answer.status_code, answer.text)
    assert unexpected == {}
    # It was there all the time, and nothing was changed.
    for method, path in routes():
        if method == "GET" and not path.endswith(("/transcript", "/recording")):
            answer = await them.http.request(**request_of(method, path, theirs))
            expected = 404 if path.endswith("/canary") else 200  # none was begun
            assert answer.status_code == expected, path


async def test_no_list_holds_anything_of_another_tenants(
    us: Customer, them: Customer, theirs: dict[str, str]
) -> None:
    own = {us.key.key.id, f"key/{us.key.key.id}"}
    for path, methods in create_v1().openapi()["paths"].items():
        if "get" not in methods or "{" in path:
            continue
        page: httpx.Response = await us.http.get(f"/v1{path}")
        items = page.json()["items"]
        named = ("id", "name", "phone", "subject")
        shown = {str(next(filter(None, map(item.get, named)))) for item in items}
        assert shown.isdisjoint(set(theirs.values())), path
        assert shown <= own | {"simulated"}, path
        assert (await them.http.get(f"/v1{path}")).json()["items"], path


async def test_what_one_refers_to_must_be_ones_own(us: Customer, theirs: dict[str, str]) -> None:
    contact = await us.http.post("/v1/calls", json=ORDER | {"contact_id": theirs["contact_id"]})
    assert contact.status_code == 404
    line = await us.http.post("/v1/campaigns", json=definition(line="others"))
    assert (line.status_code, line.json()["code"]) == (422, "unknown_line")


async def test_the_same_names_mean_different_things(
    us: Customer, them: Customer, theirs: dict[str, str], world: World
) -> None:
    """A number, an Idempotency-Key and a campaign's name belong to each tenant apart."""
    mine = await us.http.post("/v1/contacts", json={"phone": NUMBERS[0]})
    assert (mine.status_code, mine.json()["id"] != theirs["contact_id"]) == (201, True)
    headers = {"idempotency-key": "one"}
    one = await us.http.post("/v1/contacts", json={"phone": NUMBERS[2]}, headers=headers)
    two = await them.http.post("/v1/contacts", json={"phone": NUMBERS[2]}, headers=headers)
    assert (one.status_code, two.status_code) == (201, 201)
    assert one.json()["id"] != two.json()["id"]
    launched = await us.http.post("/v1/campaigns", json=definition(name=theirs["name"]))
    assert launched.json()["created"] is True
    campaign = await world.ctx.database.read(
        lambda s: campaigns.find_campaign(s, them.tenant, theirs["name"])
    )
    assert campaign is not None
    assert campaign.plan.line == "others"
