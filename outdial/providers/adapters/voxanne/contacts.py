"""Contacts at Voxanne: a call can only be placed to one, so each number needs one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from outdial.domain.call.placing import PlaceRequest
from outdial.providers.errors import Rejected
from outdial.providers.http.answers import content_of, json_of, request_error, unreadable
from outdial.providers.http.exchange import ProviderHttp
from outdial.providers.reports.payload import list_at, text_at

_PATH = "api/contacts"
_PAGE = "100"
_NAMELESS = "Unknown"
"""A contact needs a name, and some recipients have none."""


async def contact_for(http: ProviderHttp, line: str, request: PlaceRequest) -> str:
    """The id of the contact with the number to dial; made when there is none.

    Nothing here dials, so whatever goes wrong is a `NotPlaced`.
    """
    # Without the plus: it is stored with or without, and a search finds parts.
    query = {"search": request.to.removeprefix("+"), "limit": _PAGE}
    response = await http.ask("GET", _PATH, params=query)
    if not response.is_success:
        raise request_error(response, line)
    content = json_of(response)
    for contact in list_at(content) or list_at(content, "contacts"):
        if (contact_id := text_at(contact, "id")) and _phone(contact) == request.to:
            return contact_id
    return await _make(http, line, request)


async def _make(http: ProviderHttp, line: str, request: PlaceRequest) -> str:
    order = {"name": _name(request.variables), "phone": request.to}
    contact = content_of(await http.ask("POST", _PATH, json=order), line)
    contact_id = text_at(contact, "id")
    if contact_id is None:
        raise unreadable(line)
    if _phone(contact) not in (None, request.to):
        raise Rejected(
            f"line {line}: Voxanne keeps another number than the one it was given, "
            "so it would dial somebody else",
            code="phone",
        )
    return contact_id


def _phone(contact: Any) -> str | None:
    return text_at(contact, "phone_number") or text_at(contact, "phone")


def _name(variables: Mapping[str, str]) -> str:
    parts = (variables.get("first_name"), variables.get("last_name"))
    return variables.get("name") or " ".join(filter(None, parts)) or _NAMELESS
