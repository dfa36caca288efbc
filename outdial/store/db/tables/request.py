"""Requests for single calls, as the API knows them; the roster's row carries them out."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from outdial.store.db.tables.columns import BigId, Row, UtcDateTime, table_of

_OF_CONTACT = text("contact_id IS NOT NULL")


class CallRequestRow(Row, table=True):
    __tablename__ = "call_request"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("campaign_id", "key"),
        Index("ix_call_request_status", "tenant", "status", "created_at", "public_id"),
        Index("ix_call_request_agent", "tenant", "agent", "status", "created_at", "public_id"),
        Index("ix_call_request_phone", "tenant", "phone", "created_at", "public_id"),
        Index(
            "ix_call_request_contact",
            "tenant",
            "contact_id",
            "created_at",
            "public_id",
            sqlite_where=_OF_CONTACT,
            postgresql_where=_OF_CONTACT,
        ),
        # Positions on the roster are made of it, so an id must not come back.
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    public_id: str = Field(sa_type=Text)
    tenant: str = Field(sa_type=Text)
    campaign_id: int = Field(sa_type=BigId, sa_column_args=(ForeignKey("campaign.id"),))
    key: str = Field(sa_type=Text)
    """The `request_key` of its recipient."""
    phone: str = Field(sa_type=Text)
    agent: str = Field(sa_type=Text)
    """As it was asked for: a registered agent's id, or the provider's."""
    line: str = Field(sa_type=Text)
    origin: str = Field(sa_type=Text)
    """The API through which it came."""
    contact_id: str | None = Field(default=None, sa_type=Text)
    endpoint_id: str | None = Field(default=None, sa_type=Text)
    """Gets the events of this call besides the tenant's own endpoints."""
    status: str = Field(sa_type=Text, sa_column_kwargs={"server_default": text("'queued'")})
    """As `domain.call.request.status_of` has it. Only triggers write it (revision 0031), whenever
    the recipient or its last call changes."""
    created_at: datetime = Field(sa_type=UtcDateTime)


call_request = table_of(CallRequestRow)
