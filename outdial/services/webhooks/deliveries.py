"""The log of webhooks out, and sending one again by hand."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlmodel import Session

from outdial.domain.endpoint import Delivery, DeliveryAttempt, EndpointState, EventType
from outdial.domain.operator import Action, Operation
from outdial.resources.resources import Resources
from outdial.services.errors import Collision, NotFound
from outdial.services.webhooks.endpoints import get_endpoint
from outdial.store.compliance.operator_log import note_operation
from outdial.store.webhooks import deliveries, outbox
from outdial.store.webhooks.deliveries import DeliveryFilter
from outdial.store.webhooks.outbox import OutboxEvent

__all__ = ["DeliveryFilter", "get_delivery", "list_deliveries", "redeliver", "send_test"]


async def list_deliveries(
    ctx: Resources,
    chosen: DeliveryFilter,
    *,
    limit: int,
    before: tuple[datetime, int] | None = None,
) -> list[Delivery]:
    """A page of deliveries, newest first."""
    return await ctx.database.read(
        lambda s: deliveries.list_deliveries(s, ctx.tenant, chosen, limit=limit, before=before)
    )


async def get_delivery(ctx: Resources, delivery_id: int) -> tuple[Delivery, list[DeliveryAttempt]]:
    """A delivery and its requests. Raises NotFound."""

    def work(s: Session) -> tuple[Delivery, list[DeliveryAttempt]] | None:
        delivery = deliveries.get_delivery(s, ctx.tenant, delivery_id)
        return None if delivery is None else (delivery, deliveries.attempts_of(s, delivery_id))

    delivery = await ctx.database.read(work)
    if delivery is None:
        raise NotFound("delivery", str(delivery_id))
    return delivery


async def redeliver(ctx: Resources, delivery_id: int) -> Delivery:
    """Send it again, with all its retries. Raises NotFound, and Collision while its endpoint is
    disabled."""
    delivery, _ = await get_delivery(ctx, delivery_id)
    endpoint = await get_endpoint(ctx, delivery.endpoint_id)
    if endpoint.state is not EndpointState.ENABLED:
        raise Collision(f"endpoint {endpoint.id} is disabled; enable it first")
    now = ctx.clock()

    def work(s: Session) -> None:
        deliveries.redeliver(s, ctx.tenant, delivery_id, now=now)
        details = {"endpoint": endpoint.id, "type": delivery.type}
        operation = Operation(Action.REDELIVER, f"delivery/{delivery_id}", details=details)
        note_operation(s, ctx.tenant, ctx.operator, operation, now=now)

    await ctx.database.write(work)
    delivery, _ = await get_delivery(ctx, delivery_id)
    return delivery


async def send_test(ctx: Resources, endpoint_id: str) -> None:
    """Send an event of type `test` to one endpoint. Raises NotFound, Collision."""
    endpoint = await get_endpoint(ctx, endpoint_id)
    if endpoint.state is not EndpointState.ENABLED:
        raise Collision(f"endpoint {endpoint.id} is disabled; enable it first")
    now = ctx.clock()
    test = OutboxEvent(
        EventType.TEST.value,
        f"test/{secrets.token_hex(8)}",
        {"endpoint": endpoint.id, "test": True},
        endpoint_id=endpoint.id,
    )
    await ctx.database.write(lambda s: outbox.publish_to(s, endpoint, test, now=now))
