"""Operations of the API: deliveries. Written by `make openapi`."""

from __future__ import annotations

from datetime import datetime

from outdial.client.models.deliveries import (
    Delivery,
    DeliveryDetails,
    DeliveryPage,
    DeliveryState,
    SentTest,
)
from outdial.client.request import Request
from outdial.client.sending import Sender


class Deliveries(Sender):
    """The log of outgoing webhooks."""

    def list_deliveries(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        endpoint: str | None = None,
        type: str | None = None,
        state: DeliveryState | None = None,
        call: str | None = None,
        created_from: datetime | None = None,
        created_before: datetime | None = None,
    ) -> DeliveryPage:
        """Webhooks sent and waiting, newest first."""
        request = Request(
            "GET",
            "/deliveries",
            query={
                "limit": limit,
                "cursor": cursor,
                "endpoint": endpoint,
                "type": type,
                "state": state,
                "call": call,
                "created_from": created_from,
                "created_before": created_before,
            },
        )
        return self._send(request, 200, DeliveryPage)

    def get_delivery(
        self,
        delivery_id: int,
    ) -> DeliveryDetails:
        """A delivery with its payload, and every attempt with its answer."""
        request = Request(
            "GET",
            "/deliveries/{delivery_id}",
            parameters={"delivery_id": delivery_id},
        )
        return self._send(request, 200, DeliveryDetails)

    def redeliver_webhook(
        self,
        delivery_id: int,
    ) -> Delivery:
        """Deliver it again, with all its retries."""
        request = Request(
            "POST",
            "/deliveries/{delivery_id}/redeliver",
            parameters={"delivery_id": delivery_id},
        )
        return self._send(request, 202, Delivery)

    def send_test_webhook(
        self,
        endpoint_id: str,
    ) -> SentTest:
        """Send an event of type `test` to an endpoint."""
        request = Request(
            "POST",
            "/endpoints/{endpoint_id}/test",
            parameters={"endpoint_id": endpoint_id},
        )
        return self._send(request, 202, SentTest)
