"""Appointments, the slots they hold, and their history."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from outdial.store.db.tables.columns import BigId, JsonText, Row, UtcDateTime, table_of

_HELD = text("status = 'held'")
_BY_CALL = text("call_id IS NOT NULL")


class AppointmentRow(Row, table=True):
    __tablename__ = "appointment"
    __table_args__ = (
        Index("ix_appointment_phone", "tenant", "phone", "starts_at", "id"),
        # For lists; one that names no status reads a range of each.
        Index("ix_appointment_calendar", "tenant", "calendar", "status", "starts_at", "id"),
        Index("ix_appointment_status", "tenant", "status", "starts_at", "id"),
        Index("ix_appointment_ends", "tenant", "calendar", "ends_at"),
        Index("ix_appointment_call", "call_id"),
        Index(
            "ix_appointment_held",
            "tenant",
            "calendar",
            "hold_until",
            sqlite_where=_HELD,
            postgresql_where=_HELD,
        ),
    )

    id: str = Field(sa_type=Text, primary_key=True)
    uid: str = Field(sa_type=Text)
    tenant: str = Field(sa_type=Text)
    calendar: str = Field(sa_type=Text)
    phone: str = Field(sa_type=Text)
    recipient_id: int | None = Field(default=None, sa_type=BigId)
    call_id: str | None = Field(default=None, sa_type=Text)
    starts_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime = Field(sa_type=UtcDateTime)
    status: str = Field(sa_type=Text)
    sequence: int = 0
    title: str = Field(sa_type=Text)
    etag: str | None = Field(default=None, sa_type=Text)
    mirrored: int | None = None
    hold_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Of a hold that its call does not give up: when anybody may take the slot."""
    notes: str | None = Field(default=None, sa_type=Text)
    details: dict[str, Any] | None = Field(default=None, sa_type=JsonText)
    """Data of the API that entered it, stored unchanged and not interpreted."""
    created_at: datetime = Field(sa_type=UtcDateTime)


class AppointmentSlotRow(Row, table=True):
    """Five minutes of one seat. The primary key is what makes double booking impossible."""

    __tablename__ = "appointment_slot"
    __table_args__ = (Index("ix_appointment_slot_appointment", "appointment_id"),)

    tenant: str = Field(sa_type=Text, primary_key=True)
    calendar: str = Field(sa_type=Text, primary_key=True)
    tick: int = Field(primary_key=True)
    """Since 1970, in steps of five minutes (UTC)."""
    seat: int = Field(primary_key=True)
    appointment_id: str = Field(sa_type=Text, sa_column_args=(ForeignKey("appointment.id"),))


class AppointmentChangeRow(Row, table=True):
    """Every change of an appointment; never changed, never deleted."""

    __tablename__ = "appointment_change"
    __table_args__ = (
        UniqueConstraint("tenant", "key"),
        Index("ix_appointment_change_appointment", "appointment_id", "id"),
        Index(
            "ix_appointment_change_call",
            "call_id",
            sqlite_where=_BY_CALL,
            postgresql_where=_BY_CALL,
        ),
    )

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    tenant: str = Field(sa_type=Text)
    appointment_id: str = Field(sa_type=Text, sa_column_args=(ForeignKey("appointment.id"),))
    key: str = Field(sa_type=Text)
    """Idempotency key: a change under the same key is made once."""
    change: str = Field(sa_type=Text)
    call_id: str | None = Field(default=None, sa_type=Text)
    starts_at: datetime = Field(sa_type=UtcDateTime)
    status: str = Field(sa_type=Text)
    before_starts_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    before_status: str | None = Field(default=None, sa_type=Text)
    sequence: int
    at: datetime = Field(sa_type=UtcDateTime)


appointment = table_of(AppointmentRow)
appointment_slot = table_of(AppointmentSlotRow)
appointment_change = table_of(AppointmentChangeRow)
