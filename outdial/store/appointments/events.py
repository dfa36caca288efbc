"""Publishes webhook events of appointments, in the transactions that make and change them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, and_, select
from sqlmodel import Session

from outdial.domain.appointment.appointment import AppointmentStatus, Change
from outdial.domain.endpoint import EventType
from outdial.store.db.tables import call, call_request, contact, recipient
from outdial.store.webhooks.outbox import OutboxEvent, has_endpoints, publish

AnyRow = Mapping[str, Any] | RowMapping
_EVENTS = {
    Change.BOOKED: EventType.APPOINTMENT_BOOKED,
    Change.MOVED: EventType.APPOINTMENT_CHANGED,
    Change.CONFIRMED: EventType.APPOINTMENT_CHANGED,
    Change.CANCELED: EventType.APPOINTMENT_CANCELED,
}
"""Holds and their release are not published, nor what was made elsewhere and entered here."""


def publish_appointment(
    s: Session,
    row: AnyRow,
    change: Change,
    *,
    now: datetime,
    call_id: str | None,
    before: AnyRow | None = None,
) -> None:
    """Put an event into the outboxes: booked, changed or canceled, and by which call."""
    what = _event(row, change, before)
    if what is None or not has_endpoints(s, row["tenant"]):
        return
    made_by = _call(s, call_id)
    data = {
        "id": row["id"],
        "calendar": row["calendar"],
        "phone": row["phone"],
        "title": row["title"],
        "status": row["status"],
        "starts_at": row["starts_at"].isoformat(),
        "ends_at": row["ends_at"].isoformat(),
        "before_starts_at": None if before is None else before["starts_at"].isoformat(),
        "call_id": None if made_by is None else made_by["public_id"] or call_id,
        "campaign": None if made_by is None else made_by["campaign"],
        "notes": row["notes"],
        "details": row["details"] or {},
        "created_at": row["created_at"].isoformat(),
        "updated_at": now.isoformat(),
        **_contact(s, row),
    }
    happened = OutboxEvent(
        what.value,
        f"appointment/{row['id']}",
        data,
        campaign_id=None if made_by is None else made_by["campaign_id"],
        endpoint_id=None if made_by is None else made_by["endpoint_id"],
    )
    publish(s, row["tenant"], [happened], now=now)


def _event(row: AnyRow, change: Change, before: AnyRow | None) -> EventType | None:
    if change is Change.NOTED:
        moved_on = before is not None and before["status"] != row["status"]
        return EventType.APPOINTMENT_CHANGED if moved_on else None
    if change is not Change.UNDONE:
        return _EVENTS.get(change)
    if AppointmentStatus(row["status"]).stands:
        return EventType.APPOINTMENT_CHANGED
    return EventType.APPOINTMENT_CANCELED


def _contact(s: Session, row: AnyRow) -> dict[str, str | None]:
    """The contact with its number."""
    of = (contact.c.id, contact.c.first_name, contact.c.last_name, contact.c.email)
    query = select(*of).where(contact.c.tenant == row["tenant"], contact.c.phone == row["phone"])
    one = s.connection().execute(query).first()
    if one is None:
        return dict.fromkeys(("contact_id", "contact_name", "contact_email"))
    name = " ".join(filter(None, (one.first_name, one.last_name))) or None
    return {"contact_id": one.id, "contact_name": name, "contact_email": one.email}


def _call(s: Session, call_id: str | None) -> RowMapping | None:
    if call_id is None:
        return None
    query = (
        select(
            call.c.campaign_id,
            call.c.campaign,
            call_request.c.public_id,
            call_request.c.endpoint_id,
        )
        .join_from(call, recipient, recipient.c.id == call.c.recipient_id)
        .join(
            call_request,
            and_(
                call_request.c.campaign_id == recipient.c.campaign_id,
                call_request.c.key == recipient.c.request_key,
            ),
            isouter=True,
        )
        .where(call.c.id == call_id)
    )
    return s.connection().execute(query).mappings().first()
