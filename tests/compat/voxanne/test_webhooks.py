"""Webhooks that Voxanne's API receives, sends and lists."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio

from outdial.api.bodies import MAX_BODY
from outdial.api.compat.voxanne import stripe
from outdial.api.state import ApiPolicy
from outdial.providers.adapters.voxanne.client import VoxanneProvider
from outdial.providers.adapters.voxanne.webhook import sign
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.providers.port import LineConfig
from outdial.services.operations.lines import announce_lines
from outdial.store.call import events
from outdial.store.campaign import campaigns
from outdial.store.claims import fence, reservation
from tests.api.conftest import database, serving_world
from tests.api.v1.conftest import bearer, new_key
from tests.builders import phone
from tests.compat.receiver import customer_server
from tests.compat.voxanne.conftest import call_made
from tests.e2e.engine import Engine
from tests.services.servers import world
from tests.services.world import World
from tests.serving import client_at
from tests.waiting import until

__all__ = ["database", "world"]

SECRET = "the-secret-of-the-line"


@pytest.fixture
def with_line(world: World) -> World:
    """A world that calls through Voxanne."""
    config = LineConfig(name="vox", credentials={"api_key": "k", "webhook_secret": SECRET})
    line = Line("vox", VoxanneProvider(config), LinePolicy())
    lines = Lines([*world.ctx.lines.values(), line])
    return World(replace(world.ctx, lines=lines), world.clock)


@pytest_asyncio.fixture(loop_scope="session")
async def api(with_line: World) -> AsyncIterator[httpx.AsyncClient]:
    async with serving_world(with_line) as client:
        key = await new_key(with_line)
        client.headers.update(bearer(key.text))
        yield client


async def placed(with_line: World, api: httpx.AsyncClient) -> str:
    """A call on the line, which the line calls `vapi-1`; its id."""
    agent = {"id": "desk", "name": "Desk", "line": "vox"}
    assert (await api.post("/v1/agents", json=agent)).status_code == 201
    order = {"to": phone(1), "agent": "desk", "schedule": {"hours": "00:00-24:00"}}
    made = (await api.post("/v1/calls", json=order)).json()
    ctx, now = with_line.ctx, with_line.clock.now
    await announce_lines(ctx)
    direct = await ctx.database.write(
        lambda s: campaigns.ensure_direct_campaign(s, ctx.tenant, now=now)
    )
    claim = await ctx.database.write(
        lambda s: reservation.claim_calls(s, direct.id, "run/1", now=now).claim
    )
    (call,) = claim.calls
    await ctx.database.write(
        lambda s: fence.raise_fence(
            s, call.call_id, now=now, placement_timeout=timedelta(seconds=20)
        )
    )
    await ctx.database.write(lambda s: events.record_placed(s, call.call_id, "vapi-1", now=now))
    return str(made["id"])


@pytest.mark.parametrize("path", ["/webhooks/vapi", "/api/webhooks/vapi"])
async def test_60_a_report_moves_its_call(
    with_line: World, api: httpx.AsyncClient, path: str
) -> None:
    call_id = await placed(with_line, api)
    for kind in ("call.started", "call.ended"):
        body = json.dumps({"type": kind, "call": {"id": "vapi-1"}}).encode()
        headers = {"x-vapi-signature": sign(SECRET, body), "content-type": "application/json"}
        async with client_at(api.base_url) as anybody:
            answer = await anybody.post(f"/compat/voxanne{path}", content=body, headers=headers)
        assert (answer.status_code, answer.json()["received"]) == (200, True)
    shown = await api.get(f"/compat/voxanne/api/calls/{call_id}")
    assert shown.json()["status"] == "in_progress"
    # The end is the call's workflow's to record, which none carries out here: it was reported.
    events = (await api.get(f"/v1/calls/{call_id}")).json()["events"]
    assert {event["status"] for event in events} == {"in_progress", "completed"}


async def test_60_a_bad_signature(with_line: World, api: httpx.AsyncClient) -> None:
    call_id = await placed(with_line, api)
    body = json.dumps({"type": "call.ended", "call": {"id": "vapi-1"}}).encode()
    for headers, message in (
        ({}, "Missing signature or timestamp"),
        ({"x-vapi-signature": sign("another", body)}, "Invalid signature"),
    ):
        answer = await api.post("/compat/voxanne/webhooks/vapi", content=body, headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"error": message})
    shown = await api.get(f"/compat/voxanne/api/calls/{call_id}")
    assert shown.json()["status"] == "queued"


async def test_60_a_report_that_is_too_large(http: httpx.AsyncClient) -> None:
    headers = {"x-vapi-signature": "00"}
    answer = await http.post("/webhooks/vapi", content=b"x" * (MAX_BODY + 1), headers=headers)
    assert (answer.status_code, answer.json().keys()) == (413, {"error"})


async def test_61_stripe_is_believed_by_its_signature(world: World) -> None:
    """The first signature is of the secret that is being rolled, so it does not fit."""
    body, now = b'{"type": "invoice.paid"}', int(world.clock.now.timestamp())
    policy = ApiPolicy(stripe_webhook_secret="whsec_ours")
    good = stripe.sign("whsec_ours", body, now)
    rolled = f"t={now},v1={'0' * 64},{good.partition(',')[2]}"
    late = stripe.sign("whsec_ours", body, now - 301)
    forged = stripe.sign("whsec_theirs", body, now)
    expected = [(good, 200), (rolled, 200), (late, 401), (forged, 401), ("t=x", 401), ("", 401)]
    async with serving_world(world, policy) as client:
        for signature, status in expected:
            answer = await client.post(
                "/compat/voxanne/webhooks/stripe",
                content=body,
                headers={"stripe-signature": signature},
            )
            assert answer.status_code == status, signature
            assert answer.json().keys() == ({"received"} if status == 200 else {"error"})


async def test_61_stripe_is_refused(http: httpx.AsyncClient) -> None:
    headers = {"stripe-signature": "t=1,v1=00"}
    answer = await http.post("/webhooks/stripe", json={"type": "invoice.paid"}, headers=headers)
    assert answer.status_code == 401
    assert "Stripe" in answer.json()["error"]


async def test_62_63_events_and_their_log(at_work: Engine, http: httpx.AsyncClient) -> None:
    """A customer's server hears of a call; then it refuses the signature, which is logged."""
    headers = {"authorization": http.headers["authorization"]}
    async with (
        customer_server("/webhooks/vapi") as customer,
        client_at(at_work.api, headers=headers) as own,
    ):
        endpoint = {"url": customer.url, "events": ["call.in_progress", "call.completed"]}
        made = await own.post("/v1/endpoints", json=endpoint | {"scheme": "voxanne"})
        assert made.status_code == 201
        secret = made.json()["secret"]
        call = await call_made(at_work, http, phone(601))

        async def both() -> bool:
            return len(customer.requests) >= 2

        await until(both, timeout=30)
        for (sent, body), kind in zip(
            customer.requests, ("call.started", "call.ended"), strict=True
        ):
            event = json.loads(body)
            assert (event["type"], event["call"]["id"]) == (kind, call.id)
            expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            assert sent["x-vapi-signature"] == expected
        customer.answer = 401
        await call_made(at_work, http, phone(602))

        async def refused() -> bool:
            logs = (await http.get("/api/webhook-logs?limit=5")).json()
            return any(log["responseStatus"] == 401 for log in logs)

        await until(refused, timeout=30, interval=0.5)
        await own.delete(f"/v1/endpoints/{made.json()['id']}")
    logs = (await http.get("/api/webhook-logs")).json()
    assert isinstance(logs, list)
    done = [log for log in logs if log["status"] == "completed"]
    assert {log["eventType"] for log in done} == {"call.started", "call.ended"}
    failed = next(log for log in logs if log["responseStatus"] == 401)
    assert (failed["status"], failed["attempts"]) == ("pending", 1)
    assert "401" in failed["errorMessage"]


async def test_63_a_scheme_that_there_is_not(at_work: Engine, http: httpx.AsyncClient) -> None:
    headers = {"authorization": http.headers["authorization"]}
    async with client_at(at_work.api, headers=headers) as own:
        endpoint = {"url": "https://example.com/hooks", "scheme": "nobody"}
        answer = await own.post("/v1/endpoints", json=endpoint)
    assert answer.status_code == 422
    assert "voxanne" in answer.json()["detail"]
