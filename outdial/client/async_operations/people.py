"""Operations of the API, awaited: people. Written by `make openapi`."""

from __future__ import annotations

from outdial.client.models.people import Person
from outdial.client.request import Request
from outdial.client.sending import AsyncSender


class AsyncPeople(AsyncSender):
    """Everything about one telephone number, over all campaigns."""

    async def get_person(
        self,
        phone: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Person:
        """Everything about one telephone number, over all campaigns: the calls made to it with
        their events, receipts and what followed, and when each open campaign may call it
        next, and why. Pages are of its calls."""
        request = Request(
            "GET",
            "/people/{phone}",
            parameters={"phone": phone},
            query={"limit": limit, "cursor": cursor},
        )
        return await self._send(request, 200, Person)
