"""Calls, the leases they hold, and what providers reported about them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, literal_column, text
from sqlmodel import Field

from outdial.domain.record import DIRECT_CAMPAIGN
from outdial.store.db.tables.columns import BigId, JsonText, Row, UtcDateTime, table_of

_UNSETTLED = text("settled_at IS NULL AND settle_by IS NOT NULL")
_NAMED = text("provider_call_id IS NOT NULL")
_LEFT = text("left_at IS NOT NULL")
_PLACED = text("placed_at IS NOT NULL")
_OF_CAMPAIGN = text(f"campaign <> '{DIRECT_CAMPAIGN}'")
_UNSIGNALLED = text("signalled_at IS NULL AND call_id IS NOT NULL")
_UNMATCHED = text("call_id IS NULL")


class CallRow(Row, table=True):
    __tablename__ = "call"
    __table_args__ = (
        UniqueConstraint("recipient_id", "number"),
        Index("ix_call_campaign", "campaign_id", "created_at", "id"),
        Index("ix_call_claim", "campaign_id", "claim_key"),
        # By the provider's id alone: with a tenant before it, SQLite takes other indexes of one.
        Index(
            "ix_call_provider",
            "provider_call_id",
            sqlite_where=_NAMED,
            postgresql_where=_NAMED,
        ),
        Index("ix_call_ledger", "tenant", "phone", "created_at"),
        Index("ix_call_left", "phone", "left_at", sqlite_where=_LEFT, postgresql_where=_LEFT),
        Index("ix_call_campaign_status", "campaign_id", "status", "created_at", "id"),
        # Calls of the direct campaign are listed as requests.
        Index(
            "ix_call_status",
            "tenant",
            "status",
            "created_at",
            "id",
            sqlite_where=_OF_CAMPAIGN,
            postgresql_where=_OF_CAMPAIGN,
        ),
        Index(
            "ix_call_agent",
            "tenant",
            "agent",
            "status",
            "created_at",
            "id",
            sqlite_where=_OF_CAMPAIGN,
            postgresql_where=_OF_CAMPAIGN,
        ),
        Index(
            "ix_call_line_placed",
            "tenant",
            "line",
            "placed_at",
            "status",
            sqlite_where=_PLACED,
            postgresql_where=_PLACED,
        ),
        Index(
            "ix_call_unsettled",
            "campaign_id",
            "settle_by",
            sqlite_where=_UNSETTLED,
            postgresql_where=_UNSETTLED,
        ),
        Index(
            "ix_call_settle_by",
            "settle_by",
            sqlite_where=_UNSETTLED,
            postgresql_where=_UNSETTLED,
        ),
    )

    id: str = Field(sa_type=Text, primary_key=True)
    tenant: str = Field(sa_type=Text)
    campaign_id: int = Field(sa_type=BigId)
    campaign: str = Field(sa_type=Text)
    launch: int
    recipient_id: int = Field(sa_type=BigId, sa_column_args=(ForeignKey("recipient.id"),))
    number: int
    attempt: int
    workflow_id: str = Field(sa_type=Text)
    claim_key: str = Field(sa_type=Text)
    agent: str = Field(sa_type=Text, sa_column_kwargs={"server_default": text("''")})
    """The agent's id in the plan by which it was claimed."""
    line: str = Field(sa_type=Text)
    provider_call_id: str | None = Field(default=None, sa_type=Text)
    phone: str = Field(sa_type=Text)
    caller_id: str | None = Field(default=None, sa_type=Text)
    ring_seconds: float
    max_seconds: float
    status: str = Field(sa_type=Text)
    fence: str = Field(sa_type=Text)
    fenced_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    fence_deadline: datetime | None = Field(default=None, sa_type=UtcDateTime)
    left_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the request left, for the daily ceiling; none on a simulated line, or where its answer
    said that nothing was dialed."""
    is_attempt: bool = False
    """It may have rung; known once it has ended."""
    outcome: str | None = Field(default=None, sa_type=Text)
    disposition: str | None = Field(default=None, sa_type=Text)
    redial_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answered_by: str | None = Field(default=None, sa_type=Text)
    failure: str | None = Field(default=None, sa_type=Text)
    detail: str | None = Field(default=None, sa_type=Text)
    retry_after_seconds: float | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    placed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ringing_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    analysed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    settle_by: datetime | None = Field(default=None, sa_type=UtcDateTime)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    duration_seconds: float | None = None
    cost: float | None = None
    transcript: str | None = Field(default=None, sa_type=Text)
    recording_url: str | None = Field(default=None, sa_type=Text)
    structured: dict[str, Any] = Field(sa_type=JsonText)
    evidence: dict[str, Any] = Field(sa_type=JsonText)


class LeaseRow(Row, table=True):
    """The slot a call holds. A call never gets a second one, so its id is the token."""

    __tablename__ = "lease"
    __table_args__ = (
        UniqueConstraint("tenant", "phone", name="uq_lease_one_live_call_per_number"),
        Index("ix_lease_campaign", "campaign_id"),
        Index("ix_lease_line", "tenant", "line"),
        Index("ix_lease_acquired", "acquired_at"),
    )

    call_id: str = Field(sa_type=Text, primary_key=True, sa_column_args=(ForeignKey("call.id"),))
    campaign_id: int = Field(sa_type=BigId)
    tenant: str = Field(sa_type=Text)
    line: str = Field(sa_type=Text)
    phone: str = Field(sa_type=Text)
    acquired_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    """If it were dialed at once; what passes until the fence is raised comes on top."""


class EventRow(Row, table=True):
    __tablename__ = "event"
    __table_args__ = (
        UniqueConstraint("tenant", "line", "event_id"),
        Index("ix_event_call", "call_id"),
        Index(
            "ix_event_unmatched",
            "provider_call_id",
            sqlite_where=_UNMATCHED,
            postgresql_where=_UNMATCHED,
        ),
        Index(
            "ix_event_unsignalled",
            "received_at",
            sqlite_where=_UNSIGNALLED,
            postgresql_where=_UNSIGNALLED,
        ),
    )

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    tenant: str = Field(sa_type=Text)
    line: str = Field(sa_type=Text)
    event_id: str = Field(sa_type=Text)
    call_id: str | None = Field(default=None, sa_type=Text, sa_column_args=(ForeignKey("call.id"),))
    provider_call_id: str | None = Field(default=None, sa_type=Text)
    payload: str = Field(sa_type=Text)
    """The CallEvent as JSON text."""
    received_at: datetime = Field(sa_type=UtcDateTime)
    signalled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


call = table_of(CallRow)
lease = table_of(LeaseRow)
event = table_of(EventRow)

is_of_campaign = call.c.campaign != literal_column(f"'{DIRECT_CAMPAIGN}'")
"""Written as the indexes have it: a parameter would keep the database from using them."""
