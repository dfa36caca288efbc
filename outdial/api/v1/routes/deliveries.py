"""/v1/deliveries: the log of outgoing webhooks."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from outdial.api.admission import AdmittedRoute
from outdial.api.v1.auth import needs
from outdial.api.v1.paging import PAGE, Cursor, Limit, Page, page_of
from outdial.api.v1.refusals import refusals
from outdial.api.v1.routes.calls import place_of
from outdial.api.v1.routes.endpoints import EndpointId
from outdial.domain.definition.fields import Timestamp
from outdial.domain.endpoint import Delivery as StoredDelivery
from outdial.domain.endpoint import DeliveryAttempt, DeliveryState
from outdial.services.accounts.access import Caller
from outdial.services.errors import RequestRefused
from outdial.services.webhooks import deliveries
from outdial.services.webhooks.deliveries import DeliveryFilter

router = APIRouter(tags=["deliveries"], route_class=AdmittedRoute)
DeliveryId = Annotated[int, Path(ge=1, le=2**53, examples=[1])]


class Delivery(BaseModel):
    id: int
    endpoint_id: str
    event_id: str
    """The `webhook-id` header of every attempt."""
    type: str
    subject: str
    """Its subject, such as `call/<id>`; events of one subject are delivered in order."""
    state: DeliveryState
    attempts: int
    next_at: datetime | None
    created_at: datetime
    delivered_at: datetime | None
    last_status: int | None
    last_error: str | None

    @classmethod
    def of(cls, delivery: StoredDelivery) -> "Delivery":
        values: dict[str, Any] = delivery.model_dump(include=set(cls.model_fields))
        return cls(**values | {"next_at": delivery.next_try_at})


class DeliveryDetails(Delivery):
    payload: str
    tries: list[DeliveryAttempt]
    """Every attempt with its response and timing, oldest first."""


class SentTest(BaseModel):
    endpoint: str
    type: Literal["test"] = "test"


@router.get("/deliveries")
async def list_deliveries(
    limit: Limit = PAGE,
    cursor: Cursor = None,
    endpoint: Annotated[str | None, Query(max_length=64)] = None,
    event_type: Annotated[str | None, Query(alias="type", max_length=64)] = None,
    state: Annotated[DeliveryState | None, Query()] = None,
    call: Annotated[str | None, Query(max_length=64)] = None,
    created_from: Timestamp | None = None,
    created_before: Timestamp | None = None,
    caller: Caller = needs("endpoints:read"),
) -> Page[Delivery]:
    """Webhooks sent and waiting, newest first."""
    chosen = DeliveryFilter(
        endpoint_id=endpoint,
        type=event_type,
        state=state,
        subject=None if call is None else f"call/{call}",
        created_from=created_from,
        created_before=created_before,
    )
    rows = await deliveries.list_deliveries(
        caller.ctx, chosen, limit=limit + 1, before=_place_of(cursor)
    )
    return page_of(rows, limit, Delivery.of, lambda one: [one.created_at.isoformat(), str(one.id)])


def _place_of(cursor: str | None) -> tuple[datetime, int] | None:
    """Instant and id of the previous page's last delivery. Raises RequestRefused."""
    place = place_of(cursor)
    if place is None:
        return None
    if not place[1].isdecimal():
        raise RequestRefused("invalid cursor: use `next_cursor` of a response, or leave it out")
    return place[0], int(place[1])


@router.get("/deliveries/{delivery_id}", responses=refusals("not_found"))
async def get_delivery(
    delivery_id: DeliveryId, caller: Caller = needs("endpoints:read")
) -> DeliveryDetails:
    """A delivery with its payload, and every attempt with its answer."""
    delivery, tries = await deliveries.get_delivery(caller.ctx, delivery_id)
    return DeliveryDetails(**dict(Delivery.of(delivery)), payload=delivery.payload, tries=tries)


@router.post(
    "/deliveries/{delivery_id}/redeliver",
    status_code=202,
    responses=refusals("not_found", "conflict"),
)
async def redeliver_webhook(
    delivery_id: DeliveryId, caller: Caller = needs("endpoints:write")
) -> Delivery:
    """Deliver it again, with all its retries."""
    return Delivery.of(await deliveries.redeliver(caller.ctx, delivery_id))


@router.post(
    "/endpoints/{endpoint_id}/test", status_code=202, responses=refusals("not_found", "conflict")
)
async def send_test_webhook(
    endpoint_id: EndpointId, caller: Caller = needs("endpoints:write")
) -> SentTest:
    """Send an event of type `test` to an endpoint."""
    await deliveries.send_test(caller.ctx, endpoint_id)
    return SentTest(endpoint=endpoint_id)
