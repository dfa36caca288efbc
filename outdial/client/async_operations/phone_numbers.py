"""Operations of the API, awaited: phone numbers. Written by `make openapi`."""

from __future__ import annotations

from outdial.client.models.phone_numbers import (
    NewPhoneNumber,
    PhoneNumber,
    PhoneNumberPage,
    PhoneNumberUpdate,
)
from outdial.client.request import Request
from outdial.client.sending import AsyncSender


class AsyncPhoneNumbers(AsyncSender):
    """Caller ids that calls may show."""

    async def create_phone_number(
        self,
        body: NewPhoneNumber,
        *,
        idempotency_key: str | None = None,
    ) -> PhoneNumber:
        """Register a caller id. That the provider allows it is up to you."""
        request = Request(
            "POST",
            "/phone-numbers",
            body=body,
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return await self._send(request, 201, PhoneNumber)

    async def list_phone_numbers(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> PhoneNumberPage:
        """The registered caller ids, oldest first."""
        request = Request(
            "GET",
            "/phone-numbers",
            query={"limit": limit, "cursor": cursor},
        )
        return await self._send(request, 200, PhoneNumberPage)

    async def get_phone_number(
        self,
        number_id: str,
    ) -> PhoneNumber:
        """A registered caller id, with its version as the ETag."""
        request = Request(
            "GET",
            "/phone-numbers/{number_id}",
            parameters={"number_id": number_id},
        )
        return await self._send(request, 200, PhoneNumber)

    async def update_phone_number(
        self,
        number_id: str,
        body: PhoneNumberUpdate,
        *,
        if_match: str | int | None = None,
    ) -> PhoneNumber:
        """Change a registered caller id. With `If-Match`, only from that version."""
        request = Request(
            "PATCH",
            "/phone-numbers/{number_id}",
            parameters={"number_id": number_id},
            body=body,
            if_match=if_match,
        )
        return await self._send(request, 200, PhoneNumber)

    async def delete_phone_number(
        self,
        number_id: str,
        *,
        if_match: str | int | None = None,
    ) -> None:
        """Delete a caller id. Calls already requested with it are still placed."""
        request = Request(
            "DELETE",
            "/phone-numbers/{number_id}",
            parameters={"number_id": number_id},
            if_match=if_match,
        )
        await self._send_for_nothing(request)
