"""/api/webhook-logs: what was sent to the organization's endpoints. The names are those of the
nearest thing in the product's public source, its recent failures."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from outdial.api.admission import AdmittedRoute
from outdial.api.compat.values import Milliseconds
from outdial.api.compat.voxanne.auth import needs
from outdial.domain.endpoint import Delivery, DeliveryState
from outdial.services.accounts.access import Caller
from outdial.services.webhooks import deliveries
from outdial.services.webhooks.deliveries import DeliveryFilter
from outdial.webhook_formats.voxanne import WORDS

router = APIRouter(prefix="/api/webhook-logs", route_class=AdmittedRoute)
PAGE, MOST = 50, 1000
_STATUS = {
    DeliveryState.PENDING: "pending",
    DeliveryState.DELIVERED: "completed",
    DeliveryState.FAILED: "failed",
}


class Log(BaseModel):
    id: str
    jobId: str
    eventType: str
    status: str
    """pending, completed or failed."""
    attempts: int
    maxAttempts: int
    responseStatus: int | None
    errorMessage: str | None
    """Of the last attempt."""
    createdAt: Milliseconds
    deliveredAt: Milliseconds | None
    nextAttemptAt: Milliseconds | None

    @classmethod
    def of(cls, delivery: Delivery, tries: int) -> "Log":
        named: dict[str, Any] = {"id": str(delivery.id), "jobId": delivery.event_id}
        return cls(
            **named,
            eventType=WORDS.get(delivery.type, delivery.type),
            status=_STATUS[delivery.state],
            attempts=delivery.attempts,
            maxAttempts=tries,
            responseStatus=delivery.last_status,
            errorMessage=delivery.last_error,
            createdAt=delivery.created_at,
            deliveredAt=delivery.delivered_at,
            nextAttemptAt=delivery.next_try_at,
        )


@router.get("")
async def list_logs(
    limit: Annotated[int, Query(ge=1, description="At most 1000 are given.")] = PAGE,
    caller: Caller = needs("endpoints:read"),
) -> list[Log]:
    """The newest first."""
    rows = await deliveries.list_deliveries(caller.ctx, DeliveryFilter(), limit=min(limit, MOST))
    tries = len(caller.ctx.delivery_waits) + 1
    return [Log.of(one, tries) for one in rows]
