"""Operations of the API, awaited: contacts. Written by `make openapi`."""

from __future__ import annotations

from collections.abc import Sequence

from outdial.client.models.contacts import ContactPage, ContactUpdate, NewContact
from outdial.client.models.shared import Contact
from outdial.client.request import Request
from outdial.client.sending import AsyncSender


class AsyncContacts(AsyncSender):
    """The directory of persons."""

    async def create_contact(
        self,
        body: NewContact,
        *,
        idempotency_key: str | None = None,
    ) -> Contact:
        """Create a contact. A second contact of the tenant with the same number is refused with
        409."""
        request = Request(
            "POST",
            "/contacts",
            body=body,
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return await self._send(request, 201, Contact)

    async def list_contacts(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        search: str | None = None,
        tag: Sequence[str] | None = None,
    ) -> ContactPage:
        """The contacts, oldest first; `search` matches names, company, email and number."""
        request = Request(
            "GET",
            "/contacts",
            query={"limit": limit, "cursor": cursor, "search": search, "tag": tag},
        )
        return await self._send(request, 200, ContactPage)

    async def get_contact(
        self,
        contact_id: str,
    ) -> Contact:
        """A contact, with its version as the ETag."""
        request = Request(
            "GET",
            "/contacts/{contact_id}",
            parameters={"contact_id": contact_id},
        )
        return await self._send(request, 200, Contact)

    async def update_contact(
        self,
        contact_id: str,
        body: ContactUpdate,
        *,
        if_match: str | int | None = None,
    ) -> Contact:
        """Change a contact. With `If-Match`, only from that version."""
        request = Request(
            "PATCH",
            "/contacts/{contact_id}",
            parameters={"contact_id": contact_id},
            body=body,
            if_match=if_match,
        )
        return await self._send(request, 200, Contact)

    async def delete_contact(
        self,
        contact_id: str,
        *,
        if_match: str | int | None = None,
    ) -> None:
        """Delete a contact. Its calls are kept."""
        request = Request(
            "DELETE",
            "/contacts/{contact_id}",
            parameters={"contact_id": contact_id},
            if_match=if_match,
        )
        await self._send_for_nothing(request)
