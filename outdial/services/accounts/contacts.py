"""Contacts by their numbers: match or create one, or import thousands.

Any number in E.164 is accepted, as other systems do.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from outdial.domain.bounds import FREE_FORM, OutOfBounds, require_within
from outdial.domain.directory import Contact
from outdial.domain.endpoint import EventType
from outdial.domain.numbers.phone import BadPhone, is_e164, parse_phone
from outdial.resources.resources import Resources
from outdial.services.accounts import directory
from outdial.services.errors import Collision, RequestRefused
from outdial.store.directory import CONTACTS
from outdial.store.webhooks.outbox import publish_contacts

MOST_AT_ONCE = 10_000
_ROWS_AT_ONCE = 500


@dataclass(frozen=True)
class Rejected:
    """A contact that was not imported, and why."""

    index: int
    """Its place in what was sent, from 0."""
    why: str


@dataclass(frozen=True)
class Imported:
    imported: int
    skipped: int
    """Their numbers belong to contacts that there were before, or to earlier ones of the same
    import."""
    rejected: tuple[Rejected, ...]


async def match_contact(ctx: Resources, phone: str, values: dict[str, Any]) -> tuple[Contact, bool]:
    """The contact with this number, made of `values` if there is none; whether it is new.

    Raises RequestRefused.
    """
    number = number_of(phone)
    contact = await directory.find(ctx, CONTACTS, phone=number)
    if contact is not None:
        return contact, False
    try:
        made = await directory.add(ctx, CONTACTS, values | {"phone": number}, lenient=True)
    except Collision:  # another request made it meanwhile
        contact = await directory.find(ctx, CONTACTS, phone=number)
        if contact is None:
            raise
        return contact, False
    return made, True


async def import_contacts(ctx: Resources, drafts: Sequence[dict[str, Any]]) -> Imported:
    """Keep those whose numbers are new. Raises RequestRefused for too many."""
    if len(drafts) > MOST_AT_ONCE:
        raise RequestRefused(f"contacts: found {len(drafts)}; send at most {MOST_AT_ONCE} at once")
    now, good, rejected = ctx.clock(), [], []
    for index, draft in enumerate(drafts):
        try:
            require_within(draft, FREE_FORM)
            number = number_of(draft["phone"])
        except (OutOfBounds, RequestRefused) as error:
            rejected.append(Rejected(index, str(error)))
            continue
        made = {"id": str(uuid.uuid4()), "created_at": now, "updated_at": now}
        good.append(Contact(**(draft | made | {"tenant": ctx.tenant, "phone": number})))
    imported = 0
    for start in range(0, len(good), _ROWS_AT_ONCE):
        imported += await _keep_new(ctx, good[start : start + _ROWS_AT_ONCE], now)
    return Imported(imported, len(good) - imported, tuple(rejected))


async def _keep_new(ctx: Resources, some: Sequence[Contact], now: datetime) -> int:
    def work(s: Session) -> int:
        added = CONTACTS.add_new(s, some)
        publish_contacts(s, added, EventType.CONTACT_CREATED, now=now)
        return len(added)

    return await ctx.database.write(work)


def number_of(phone: str) -> str:
    """E.164, even a number that does not exist. Raises RequestRefused."""
    try:
        return parse_phone(phone)
    except BadPhone as error:
        if is_e164(phone):
            return phone
        raise RequestRefused(f"phone: {error}") from error
