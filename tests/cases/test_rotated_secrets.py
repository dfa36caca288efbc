"""O5: a webhook's secret is rotated while receivers go on verifying, over HTTP."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import func, select
from sqlmodel import Session
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from temporalio.testing import WorkflowEnvironment

from activities.posting import Poster
from outdial.domain.endpoint import RETRY_AFTER, EventType
from outdial.services.operations.maintenance import MaintenanceLoop
from outdial.store.db.database import Database
from outdial.store.db.tables import former_secret
from outdial.store.webhooks import deliveries
from outdial.store.webhooks.outbox import OutboxEvent, publish
from outdial.webhook_formats.catalog import WEBHOOK_FORMATS
from tests.api.v1.conftest import Customer, api, database, them, us
from tests.receiver import Received, Receiver, receiving
from tests.services.world import World, build_world
from tests.webhook_formats.events import ENDED

__all__ = ["api", "customer", "database", "them", "us", "world"]

HOURS = timedelta(hours=1)
LISTS = ("standard", "buildvoiceai", "vozagent")
SINGLE = ("thinnestai", "voxanne", "voxpria")


@pytest_asyncio.fixture(loop_scope="session")
async def customer() -> AsyncIterator[Receiver]:
    async with receiving(Receiver()) as receiver:
        yield receiver


@pytest_asyncio.fixture(loop_scope="session")
async def world(database: Database, temporal_server: WorkflowEnvironment) -> World:
    """Today, as the library refuses signatures that are older than five minutes; receivers are on
    loopback."""
    made = build_world(database, temporal_server.client)
    made.clock.now = datetime.now(UTC)
    return World(replace(made.ctx, allow_private_webhooks=True), made.clock)


async def new_endpoint(us: Customer, url: str, scheme: str = "standard") -> dict[str, Any]:
    made = await us.http.post("/v1/endpoints", json={"url": url, "scheme": scheme})
    assert made.status_code == 201, made.text
    return dict(made.json())


async def rotate(us: Customer, endpoint: dict[str, Any], **body: Any) -> dict[str, Any]:
    path = f"/v1/endpoints/{endpoint['id']}/secret/rotate"
    turned = await us.http.post(path, json=body) if body else await us.http.post(path)
    assert turned.status_code == 200, turned.text
    return dict(turned.json())


async def deliver(world: World, endpoint_id: str) -> int:
    """Send what is due, as a worker does it, until it is taken; how many tries it took."""
    poster = Poster(world.ctx.clock, allow_private=True)
    tries, now = 0, world.clock.now
    try:
        for wait in (timedelta(0), *RETRY_AFTER[:2]):
            now += wait
            found = await world.ctx.database.read(
                lambda s, now=now: deliveries.due(s, endpoint_id, now=now, limit=1)  # type: ignore[misc]
            )
            if found.to is None or not found.deliveries:
                break
            (one,) = found.deliveries
            outcome = await poster.post(found.to, one)
            tries += 1
            await world.ctx.database.write(
                lambda s, one=one, outcome=outcome, now=now: deliveries.record_outcome(  # type: ignore[misc]
                    s, one, outcome, now=now
                )
            )
    finally:
        await poster.aclose()
    return tries


async def delivered_now(
    us: Customer, world: World, customer: Receiver, endpoint: dict[str, Any]
) -> Received:
    assert (await us.http.post(f"/v1/endpoints/{endpoint['id']}/test")).status_code == 202
    await deliver(world, endpoint["id"])
    return customer.received[-1]


def verifies(secret: str, delivery: Received) -> bool:
    """Whether the published library accepts it. It only knows the present moment, so what was
    signed at another one is verified at that one."""
    at = datetime.fromtimestamp(int(delivery.headers["webhook-timestamp"]), UTC)
    signature = Webhook(secret).sign(delivery.id, at, delivery.body.decode())
    if abs(at - datetime.now(UTC)) > timedelta(minutes=4):
        return signature in delivery.headers["webhook-signature"].split(" ")
    try:
        Webhook(secret).verify(delivery.body, delivery.headers)
    except WebhookVerificationError:
        return False
    return True


def kept(s: Session) -> int:
    return int(s.connection().execute(select(func.count()).select_from(former_secret)).scalar_one())


async def test_both_secrets_verify_until_the_overlap_ends(
    us: Customer, world: World, customer: Receiver
) -> None:
    """The clock is set back before the rotation, so that the library, which knows the present
    alone, verifies what is sent within the overlap and what is sent after it."""
    endpoint = await new_endpoint(us, customer.url)
    present = world.clock.now
    world.clock.now = present - 24 * HOURS + timedelta(seconds=30)
    turned = await rotate(us, endpoint)
    old, new = endpoint["secret"], turned["secret"]
    assert old != new
    assert turned["former_until"] == (world.clock.now + 24 * HOURS).isoformat().replace(
        "+00:00", "Z"
    )
    world.clock.now = present
    during = await delivered_now(us, world, customer, endpoint)
    assert (verifies(old, during), verifies(new, during)) == (True, True)
    assert not verifies("whsec_c29tZWJvZHkgZWxzZQ==", during)
    first, second = during.headers["webhook-signature"].split(" ")
    assert first == Webhook(new).sign(during.id, _at(during), during.body.decode())
    assert second == Webhook(old).sign(during.id, _at(during), during.body.decode())
    world.clock.now = present + timedelta(seconds=30)
    after = await delivered_now(us, world, customer, endpoint)
    assert (verifies(old, after), verifies(new, after)) == (False, True)
    shown = (await us.http.get(f"/v1/endpoints/{endpoint['id']}/secret")).json()
    assert shown == {"id": endpoint["id"], "secret": new, "former_until": None}


def _at(delivery: Received) -> datetime:
    return datetime.fromtimestamp(int(delivery.headers["webhook-timestamp"]), UTC)


@pytest.mark.parametrize("hours", [0.5, 168])
async def test_an_overlap_of_ones_own(
    us: Customer, world: World, customer: Receiver, hours: float
) -> None:
    endpoint = await new_endpoint(us, customer.url)
    new = (await rotate(us, endpoint, overlap_hours=hours))["secret"]
    begun = world.clock.now
    world.clock.now = begun + hours * HOURS - timedelta(seconds=1)
    during = await delivered_now(us, world, customer, endpoint)
    world.clock.now = begun + hours * HOURS
    after = await delivered_now(us, world, customer, endpoint)
    assert [verifies(endpoint["secret"], one) for one in (during, after)] == [True, False]
    assert [verifies(new, one) for one in (during, after)] == [True, True]


@pytest.mark.parametrize("hours", [-1, 168.1, "NaN", "Infinity", None])
async def test_an_overlap_out_of_bounds(us: Customer, customer: Receiver, hours: object) -> None:
    endpoint = await new_endpoint(us, customer.url)
    path = f"/v1/endpoints/{endpoint['id']}/secret"
    refused = await us.http.post(f"{path}/rotate", json={"overlap_hours": hours})
    assert refused.status_code == 422
    assert "overlap_hours" in refused.text
    assert (await us.http.get(path)).json()["secret"] == endpoint["secret"]


async def test_without_an_overlap_every_former_secret_ends(
    us: Customer, world: World, customer: Receiver
) -> None:
    endpoint = await new_endpoint(us, customer.url)
    second = await rotate(us, endpoint, overlap_hours=24)
    third = await rotate(us, endpoint, overlap_hours=0)
    assert third["former_until"] is None
    delivery = await delivered_now(us, world, customer, endpoint)
    secrets = (endpoint["secret"], second["secret"], third["secret"])
    assert [verifies(one, delivery) for one in secrets] == [False, False, True]
    assert await world.ctx.database.read(kept) == 0


async def test_a_rotation_that_is_asked_for_twice_loses_nobody(
    us: Customer, world: World, customer: Receiver
) -> None:
    """An answer that was lost on its way is asked for again."""
    endpoint = await new_endpoint(us, customer.url)
    later = [(await rotate(us, endpoint))["secret"] for _ in range(2)]
    delivery = await delivered_now(us, world, customer, endpoint)
    assert all(verifies(one, delivery) for one in (endpoint["secret"], *later))
    world.clock.now += timedelta(seconds=1)
    fourth = (await rotate(us, endpoint))["secret"]
    delivery = await delivered_now(us, world, customer, endpoint)
    assert len(delivery.headers["webhook-signature"].split(" ")) == 3
    assert [verifies(one, delivery) for one in (endpoint["secret"], *later, fourth)] == [
        False, True, True, True,
    ]  # fmt: skip


async def test_what_has_ended_is_forgotten(us: Customer, world: World, customer: Receiver) -> None:
    endpoint = await new_endpoint(us, customer.url)
    await rotate(us, endpoint, overlap_hours=1)
    maintenance = MaintenanceLoop(world.ctx)
    await maintenance.delete_former_secrets()
    assert await world.ctx.database.read(kept) == 1
    world.clock.now += HOURS
    await maintenance.delete_former_secrets()
    assert await world.ctx.database.read(kept) == 0


async def test_another_tenants_secret_is_not_rotated(
    us: Customer, them: Customer, world: World, customer: Receiver
) -> None:
    endpoint = await new_endpoint(us, customer.url)
    refused = await them.http.post(f"/v1/endpoints/{endpoint['id']}/secret/rotate")
    assert refused.status_code == 404
    assert await world.ctx.database.read(kept) == 0


def test_every_scheme_says_how_many_signatures_it_carries() -> None:
    several = {
        name
        for name, webhook_format in WEBHOOK_FORMATS.items()
        if webhook_format.several_signatures
    }
    assert (several, set(WEBHOOK_FORMATS) - several) == (set(LISTS), set(SINGLE))


def signature_of(scheme: str, secret: str, delivery: Received) -> bool:
    """As the page of each vendor verifies it."""
    headers = delivery.headers
    signed = delivery.body
    if scheme == "thinnestai":
        signed = f"{headers['x-webhook-timestamp']}.".encode() + signed
    name = {"thinnestai": "x-webhook-signature", "voxanne": "x-vapi-signature"}.get(
        scheme, "x-voxpria-signature"
    )
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return headers[name].removeprefix("sha256=") == expected


async def publish_a_call(world: World) -> None:
    happened = OutboxEvent(EventType.CALL_COMPLETED.value, f"call/{uuid.uuid4()}", ENDED)
    now = world.clock.now
    await world.ctx.database.write(lambda s: publish(s, "default", [happened], now=now))


@pytest.mark.parametrize("scheme", SINGLE)
@pytest.mark.parametrize("changed_over", [False, True])
async def test_with_one_signature_the_tries_take_turns(
    us: Customer, world: World, customer: Receiver, scheme: str, changed_over: bool
) -> None:
    """A receiver that knows one of both secrets gets the webhook, before and after it changes."""
    endpoint = await new_endpoint(us, customer.url, scheme)
    new = (await rotate(us, endpoint))["secret"]
    mine = new if changed_over else endpoint["secret"]
    customer.verify = lambda delivery: signature_of(scheme, mine, delivery)
    await publish_a_call(world)
    assert await deliver(world, endpoint["id"]) == (2 if changed_over else 1)
    world.clock.now += 24 * HOURS
    customer.verify = lambda delivery: signature_of(scheme, new, delivery)
    await publish_a_call(world)
    assert await deliver(world, endpoint["id"]) == 1
    assert len(customer.taken) == 2
