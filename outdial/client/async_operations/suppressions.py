"""Operations of the API, awaited: suppressions. Written by `make openapi`."""

from __future__ import annotations

from outdial.client.models.suppressions import (
    NewSuppressions,
    SuppressionHistory,
    SuppressionPage,
    SuppressionResult,
)
from outdial.client.request import Request
from outdial.client.sending import AsyncSender


class AsyncSuppressions(AsyncSender):
    """Numbers that must not be called."""

    async def suppress_numbers(
        self,
        body: NewSuppressions,
        *,
        idempotency_key: str | None = None,
    ) -> SuppressionResult:
        """Suppress numbers: they are never called again, and their queued and ringing calls are
        ended. Entries that can't be read are reported; the others are added all the same."""
        request = Request(
            "POST",
            "/suppressions",
            body=body,
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return await self._send(request, 200, SuppressionResult)

    async def list_suppressions(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> SuppressionPage:
        """The suppressed numbers, ordered by number."""
        request = Request(
            "GET",
            "/suppressions",
            query={"limit": limit, "cursor": cursor},
        )
        return await self._send(request, 200, SuppressionPage)

    async def get_suppression(
        self,
        number: str,
    ) -> SuppressionHistory:
        """The history of a number: when it was suppressed and lifted."""
        request = Request(
            "GET",
            "/suppressions/{number}",
            parameters={"number": number},
        )
        return await self._send(request, 200, SuppressionHistory)

    async def lift_suppression(
        self,
        number: str,
        *,
        reason: str,
    ) -> None:
        """Lift a suppression. The number's history is kept. If the answer is lost, read the
        history before you repeat it: a second request lifts a suppression that came meanwhile
        too."""
        request = Request(
            "DELETE",
            "/suppressions/{number}",
            parameters={"number": number},
            query={"reason": reason},
            at_most_once=True,
        )
        await self._send_for_nothing(request)
