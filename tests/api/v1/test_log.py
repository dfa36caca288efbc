"""/v1/log: each route that changes something is in it with the key that asked, or named here."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from outdial.api.v1.app import create_v1
from outdial.contracts.names import campaign_workflow_id
from outdial.domain.endpoint import EventType
from outdial.store.webhooks import outbox
from outdial.store.webhooks.outbox import OutboxEvent
from tests.api.v1.conftest import Customer, bearer, new_key
from tests.api.v1.test_campaigns import definition
from tests.services.world import NOW, NUMBERS, World

NOT_LOGGED = {
    "POST /campaigns/plan": "it changes nothing",
    "POST /endpoints/{endpoint_id}/test": "it changes nothing",
    "DELETE /launches/{launch_id}": "a launch that never was",
    "POST /calls": "a call has a record of its own, and its key's quota",
    "POST /calls/{call_id}/end": "as above",
    "POST /contacts": "data that services keep here",
    "PATCH /contacts/{contact_id}": "as above",
    "DELETE /contacts/{contact_id}": "as above",
    "POST /appointments": "an appointment has a history of its own",
    "PATCH /appointments/{appointment_id}": "as above",
    "DELETE /appointments/{appointment_id}": "as above",
}


@dataclass
class Asker:
    """Asks as one customer, and keeps which routes it asked."""

    customer: Customer
    asked_routes: set[str]

    async def ask(
        self, route: str, body: Any = None, *, status: int | None = None, **values: str
    ) -> Any:
        """Ask for what is to succeed, or to be answered with this status."""
        method, path = route.split()
        query = {name: value for name, value in values.items() if "{" + name + "}" not in path}
        answer = await self.customer.http.request(
            method, f"/v1{path.format(**values)}", json=body, params=query
        )
        expected = answer.is_success if status is None else answer.status_code == status
        assert expected, (route, answer.text)
        self.asked_routes.add(route)
        return answer.json() if answer.content else None

    async def newest(self) -> tuple[str, str]:
        (entry, *_) = (await self.customer.http.get("/v1/log")).json()["items"]
        assert (entry["door"], entry["author"]) == ("v1", "key test")
        assert entry["key_id"] == self.customer.key.key.id
        return entry["action"], entry["subject"].partition("/")[0]


async def test_every_change_is_logged_with_its_key(us: Customer, world: World) -> None:
    asker = Asker(us, set())
    await _campaigns(asker, world)
    await _rules_and_keys(asker)
    await _endpoints(asker, world)
    await _directory(asker)
    changing = {
        f"{method.upper()} {path}"
        for path, methods in create_v1().openapi()["paths"].items()
        for method in methods
        if method != "get"
    }
    assert changing - asker.asked_routes == NOT_LOGGED.keys()


async def _campaigns(asker: Asker, world: World) -> None:
    document = definition()
    name: str = document["name"]
    await asker.ask("POST /campaigns", document)
    assert await asker.newest() == ("launch", "campaign")
    # No worker runs here, and where no workflow is either, the request itself makes the change.
    workflow = campaign_workflow_id(asker.customer.tenant, name)
    await world.ctx.temporal.get_workflow_handle(workflow).terminate()
    for route, body, action in (
        ("POST /campaigns/{name}/pause", {"reason": "storm"}, "pause"),
        ("POST /campaigns/{name}/resume", None, "resume"),
        ("POST /campaigns/{name}/apply", document | {"agent": "other"}, "apply"),
        ("POST /campaigns/{name}/rollback", None, "roll_back"),
        ("POST /campaigns/{name}/stop", None, "stop"),
    ):
        if action == "stop":
            added = {"recipients": [{"phone": NUMBERS[0]}]}
            # They are stored, and enrolled once the workflow runs again.
            await asker.ask("POST /campaigns/{name}/recipients", added, status=503, name=name)
            assert await asker.newest() == ("add", "campaign")
            removal = "DELETE /campaigns/{name}/recipients/{phone}"
            await asker.ask(removal, name=name, phone=NUMBERS[0])
            assert await asker.newest() == ("remove", "campaign")
        await asker.ask(route, body, name=name)
        assert await asker.newest() == (action, "campaign")


async def _rules_and_keys(asker: Asker) -> None:
    await asker.ask("POST /suppressions", {"numbers": [NUMBERS[0]], "reason": "asked"})
    assert await asker.newest() == ("suppress", "suppressions")
    await asker.ask("DELETE /suppressions/{number}", number=NUMBERS[0], reason="a mistake")
    assert await asker.newest() == ("lift", "suppressions")
    key_id = (await asker.ask("POST /keys", {"name": "booking"}))["id"]
    assert await asker.newest() == ("create", "key")
    await asker.ask("POST /keys/{key_id}/rotate", key_id=key_id)
    assert await asker.newest() == ("rotate", "key")
    await asker.ask("PATCH /keys/{key_id}", {"enabled": False}, key_id=key_id)
    assert await asker.newest() == ("disable", "key")
    await asker.ask("DELETE /keys/{key_id}", key_id=key_id)
    assert await asker.newest() == ("revoke", "key")


async def _endpoints(asker: Asker, world: World) -> None:
    made = await asker.ask("POST /endpoints", {"url": "https://example.invalid/hooks"})
    named = {"endpoint_id": made["id"]}
    assert await asker.newest() == ("create", "endpoint")
    await asker.ask("PATCH /endpoints/{endpoint_id}", {"name": "x"}, **named)
    assert await asker.newest() == ("change", "endpoint")
    await asker.ask("POST /endpoints/{endpoint_id}/secret/rotate", **named)
    assert await asker.newest() == ("rotate", "endpoint")
    test = OutboxEvent(EventType.TEST.value, "test", {})
    tenant = asker.customer.tenant
    await world.ctx.database.write(lambda s: outbox.publish(s, tenant, [test], now=NOW))
    tests = await asker.customer.http.get("/v1/deliveries", params={"type": "test"})
    delivery_id = str(tests.json()["items"][0]["id"])
    await asker.ask("POST /deliveries/{delivery_id}/redeliver", delivery_id=delivery_id)
    assert await asker.newest() == ("redeliver", "delivery")
    await asker.ask("DELETE /endpoints/{endpoint_id}", **named)
    assert await asker.newest() == ("remove", "endpoint")


async def _directory(asker: Asker) -> None:
    for path, name, body, change in (
        ("agents", "agent_id", {"name": "Ada"}, {"name": "Eve"}),
        ("phone-numbers", "number_id", {"phone": NUMBERS[0]}, {"label": "x"}),
    ):
        kept = await asker.ask(f"POST /{path}", body)
        subject = path.replace("-", "_").removesuffix("s")
        assert await asker.newest() == ("create", subject)
        of = {name: kept["id"]}
        await asker.ask(f"PATCH /{path}/{{{name}}}", change, **of)
        assert await asker.newest() == ("change", subject)
        await asker.ask(f"DELETE /{path}/{{{name}}}", **of)
        assert await asker.newest() == ("remove", subject)


async def test_pages_and_subjects(us: Customer) -> None:
    for number in NUMBERS:
        await us.http.post("/v1/suppressions", json={"numbers": [number], "reason": "asked"})
    key = (await us.http.post("/v1/keys", json={"name": "booking"})).json()["id"]
    seen_entries: list[int] = []
    cursor = None
    while True:
        query = {"limit": 2} | ({} if cursor is None else {"cursor": cursor})
        page = (await us.http.get("/v1/log", params=query)).json()
        seen_entries += [entry["sequence"] for entry in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen_entries == sorted(seen_entries, reverse=True)
    assert seen_entries[-1] == 1
    one = (await us.http.get("/v1/log", params={"subject": f"key/{key}"})).json()["items"]
    assert [(entry["action"], entry["details"]["name"]) for entry in one] == [("create", "booking")]


async def test_it_takes_a_scope_of_its_own(api: httpx.AsyncClient, world: World) -> None:
    for scope, status in (("log:read", 200), ("campaigns:write", 403), ("keys:write", 403)):
        key = await new_key(world, scopes=(scope,))
        assert (await api.get("/v1/log", headers=bearer(key.text))).status_code == status


@pytest.mark.parametrize("position", ["[1%s]" % ("0" * 30), "[true]", "[-1%s]" % ("0" * 30)])
async def test_a_cursor_of_no_place_is_refused(us: Customer, position: str) -> None:
    cursor = base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")
    for path in ("log", "campaigns"):
        answer = await us.http.get(f"/v1/{path}", params={"cursor": cursor})
        assert (answer.status_code, "invalid cursor" in answer.text) == (422, True)
    text = base64.urlsafe_b64encode(b'["\\u0000"]').decode().rstrip("=")
    assert (await us.http.get("/v1/keys", params={"cursor": text})).status_code == 422
