"""Operations of the API: endpoints. Written by `make openapi`."""

from __future__ import annotations

from outdial.client.models.endpoints import (
    CreatedEndpoint,
    Endpoint,
    EndpointPage,
    EndpointSecret,
    EndpointUpdate,
    NewEndpoint,
    SecretRotation,
)
from outdial.client.request import Request
from outdial.client.sending import Sender


class Endpoints(Sender):
    """URLs that receive events as signed webhooks."""

    def create_endpoint(
        self,
        body: NewEndpoint,
        *,
        idempotency_key: str | None = None,
    ) -> CreatedEndpoint:
        """Register a URL for events, delivered as signed webhooks (Standard Webhooks)."""
        request = Request(
            "POST",
            "/endpoints",
            body=body,
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return self._send(request, 201, CreatedEndpoint)

    def list_endpoints(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> EndpointPage:
        """The endpoints, oldest first, those of campaigns and calls included."""
        request = Request(
            "GET",
            "/endpoints",
            query={"limit": limit, "cursor": cursor},
        )
        return self._send(request, 200, EndpointPage)

    def get_endpoint(
        self,
        endpoint_id: str,
    ) -> Endpoint:
        """An endpoint, without its secret; its version is the ETag."""
        request = Request(
            "GET",
            "/endpoints/{endpoint_id}",
            parameters={"endpoint_id": endpoint_id},
        )
        return self._send(request, 200, Endpoint)

    def update_endpoint(
        self,
        endpoint_id: str,
        body: EndpointUpdate,
        *,
        if_match: str | int | None = None,
    ) -> Endpoint:
        """Change an endpoint, or enable it again. With `If-Match`, only from that version."""
        request = Request(
            "PATCH",
            "/endpoints/{endpoint_id}",
            parameters={"endpoint_id": endpoint_id},
            body=body,
            if_match=if_match,
        )
        return self._send(request, 200, Endpoint)

    def delete_endpoint(
        self,
        endpoint_id: str,
        *,
        if_match: str | int | None = None,
    ) -> None:
        """Delete an endpoint. Its deliveries stay in the log."""
        request = Request(
            "DELETE",
            "/endpoints/{endpoint_id}",
            parameters={"endpoint_id": endpoint_id},
            if_match=if_match,
        )
        self._send_for_nothing(request)

    def get_endpoint_secret(
        self,
        endpoint_id: str,
    ) -> EndpointSecret:
        """The secret by which webhooks of this endpoint are verified."""
        request = Request(
            "GET",
            "/endpoints/{endpoint_id}/secret",
            parameters={"endpoint_id": endpoint_id},
        )
        return self._send(request, 200, EndpointSecret)

    def rotate_endpoint_secret(
        self,
        endpoint_id: str,
        body: SecretRotation | None = None,
    ) -> EndpointSecret:
        """Replace the secret. During the overlap, webhooks are signed with both."""
        request = Request(
            "POST",
            "/endpoints/{endpoint_id}/secret/rotate",
            parameters={"endpoint_id": endpoint_id},
            body=body,
        )
        return self._send(request, 200, EndpointSecret)
