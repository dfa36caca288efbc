"""Operations of the API, awaited: keys. Written by `make openapi`."""

from __future__ import annotations

from outdial.client.models.keys import (
    ApiKey,
    ApiKeyPage,
    CreatedKey,
    KeyRotation,
    KeyUpdate,
    NewKey,
)
from outdial.client.request import Request
from outdial.client.sending import AsyncSender


class AsyncKeys(AsyncSender):
    """Keys to this API."""

    async def create_key(
        self,
        body: NewKey,
    ) -> CreatedKey:
        """Create a key. It has at most the scopes and the lifetime of the key that creates it."""
        request = Request(
            "POST",
            "/keys",
            body=body,
        )
        return await self._send(request, 201, CreatedKey)

    async def list_keys(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> ApiKeyPage:
        """All keys, revoked ones included."""
        request = Request(
            "GET",
            "/keys",
            query={"limit": limit, "cursor": cursor},
        )
        return await self._send(request, 200, ApiKeyPage)

    async def get_key(
        self,
        key_id: str,
    ) -> ApiKey:
        """A key, without its secret."""
        request = Request(
            "GET",
            "/keys/{key_id}",
            parameters={"key_id": key_id},
        )
        return await self._send(request, 200, ApiKey)

    async def update_key(
        self,
        key_id: str,
        body: KeyUpdate,
    ) -> ApiKey:
        """Disable a key, or enable it again."""
        request = Request(
            "PATCH",
            "/keys/{key_id}",
            parameters={"key_id": key_id},
            body=body,
        )
        return await self._send(request, 200, ApiKey)

    async def revoke_key(
        self,
        key_id: str,
    ) -> ApiKey:
        """Revoke a key for good. It stays listed."""
        request = Request(
            "DELETE",
            "/keys/{key_id}",
            parameters={"key_id": key_id},
        )
        return await self._send(request, 200, ApiKey)

    async def rotate_key(
        self,
        key_id: str,
        body: KeyRotation | None = None,
    ) -> CreatedKey:
        """Replace a key's secret."""
        request = Request(
            "POST",
            "/keys/{key_id}/rotate",
            parameters={"key_id": key_id},
            body=body,
        )
        return await self._send(request, 200, CreatedKey)
