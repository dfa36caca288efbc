"""Rosters: what is staged, and the recipients."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, false, literal_column, text
from sqlmodel import Field

from outdial.store.db.tables.columns import BigId, JsonText, Row, UtcDateTime, table_of

_READY = text("state = 'ready'")
_WAITING_REQUEST = text("state = 'waiting' AND plan IS NOT NULL")
_READY_REQUEST = text("state = 'ready' AND plan IS NOT NULL")
_UNSIGNALLED = text(
    "requester_workflow_id IS NOT NULL AND state = 'done' AND NOT requester_signalled"
)


class RosterRow(Row, table=True):
    """One launch's roster; locked while positions on it are given out."""

    __tablename__ = "roster"
    __table_args__ = (Index("ix_roster_requester", "campaign_id", "requester"),)

    campaign_id: int = Field(
        sa_type=BigId, primary_key=True, sa_column_args=(ForeignKey("campaign.id"),)
    )
    launch: int = Field(primary_key=True)
    next_position: int = 0
    next_sequence: int = 1
    enrolled: bool = False
    requester: str | None = Field(default=None, sa_type=Text)
    """The workflow and run that requested this launch, if it was one."""


class RosterChunkRow(Row, table=True):
    """Drafts that are not enrolled yet."""

    __tablename__ = "roster_chunk"

    campaign_id: int = Field(
        sa_type=BigId, primary_key=True, sa_column_args=(ForeignKey("campaign.id"),)
    )
    launch: int = Field(primary_key=True)
    sequence: int = Field(primary_key=True)
    drafts: list[Any] = Field(sa_type=JsonText)


class RecipientRow(Row, table=True):
    __tablename__ = "recipient"
    __table_args__ = (
        UniqueConstraint("campaign_id", "launch", "position"),
        Index("ix_recipient_phone", "campaign_id", "launch", "phone"),
        Index("ix_recipient_due", "campaign_id", "launch", "state", "turn", "due_at", "id"),
        Index(
            "ix_recipient_ready",
            "campaign_id",
            "launch",
            "window_closes_at",
            "turn",
            "id",
            sqlite_where=_READY,
            postgresql_where=_READY,
        ),
        # Requests of the direct campaign, which bring lines of their own.
        Index(
            "ix_recipient_line_due",
            "campaign_id",
            "launch",
            "line",
            "turn",
            "due_at",
            "id",
            sqlite_where=_WAITING_REQUEST,
            postgresql_where=_WAITING_REQUEST,
        ),
        Index(
            "ix_recipient_line_ready",
            "campaign_id",
            "launch",
            "line",
            "window_closes_at",
            "turn",
            "id",
            sqlite_where=_READY_REQUEST,
            postgresql_where=_READY_REQUEST,
        ),
        Index(
            "uq_recipient_request",
            "campaign_id",
            "request_key",
            unique=True,
            sqlite_where=text("request_key IS NOT NULL"),
            postgresql_where=text("request_key IS NOT NULL"),
        ),
        Index(
            "ix_recipient_unsignalled",
            "id",
            sqlite_where=_UNSIGNALLED,
            postgresql_where=_UNSIGNALLED,
        ),
        # An id is part of workflow ids, so it must not come back after a row was deleted.
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    campaign_id: int = Field(sa_type=BigId, sa_column_args=(ForeignKey("campaign.id"),))
    launch: int
    position: int
    phone: str = Field(sa_type=Text)
    """The number to dial next."""
    alternate_phones: list[str] = Field(sa_type=JsonText)
    """The person's other numbers, in the order of their turns."""
    zones: str | None = Field(default=None, sa_type=Text)
    """A ZoneEvidence as JSON text; None when the recipient was refused."""
    consent: str | None = Field(default=None, sa_type=Text)
    """A Consent as JSON text."""
    variables: dict[str, str] = Field(sa_type=JsonText)
    line: str = Field(sa_type=Text)
    """Of several, the first; which one a call is made on is picked when it is claimed."""
    line_marks: dict[str, str] = Field(
        default_factory=dict, sa_type=JsonText, sa_column_kwargs={"server_default": text("'{}'")}
    )
    """How lines failed this person, as `domain.line.routing` reads it, by line."""
    plan: str | None = Field(default=None, sa_type=Text)
    """A CallPlan of its own, as JSON text; else that of its canary, or the campaign's, holds
    (`own_plan`)."""
    canary_id: int | None = Field(default=None, sa_type=BigId)
    """The canary that it was drawn in last; it may have ended."""
    arm: str | None = Field(default=None, sa_type=Text)
    """Its arm in that canary."""
    state: str = Field(sa_type=Text)
    attempts: int = 0
    calls: int = 0
    outcome: str | None = Field(default=None, sa_type=Text)
    reason: str | None = Field(default=None, sa_type=Text)
    not_before: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """The recipient's own: a retry's delay, a promise, a request's wish."""
    promised: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """`not_before` is a time that the person asked for."""
    due_at: datetime = Field(sa_type=UtcDateTime)
    """When it is decided next: `not_before`, or the opening of the last decision."""
    window_closes_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    turn: int = 1
    """0 for those who have a `not_before` of their own, who go first; 1 for the others."""
    withdrawn: bool = False
    """The request was withdrawn; the call under way is its last."""
    request_key: str | None = Field(default=None, sa_type=Text)
    requester_workflow_id: str | None = Field(default=None, sa_type=Text)
    requester_signalled: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """A sweeper has signalled the requester's workflow that the recipient has ended."""
    context: dict[str, Any] | None = Field(default=None, sa_type=JsonText)


roster = table_of(RosterRow)
roster_chunk = table_of(RosterChunkRow)
recipient = table_of(RecipientRow)

is_ready = recipient.c.state == literal_column("'ready'")
"""Written as the index has it: a parameter would keep the database from using that."""
is_waiting = recipient.c.state == literal_column("'waiting'")
is_request = recipient.c.plan.is_not(None)

is_unsignalled = text(
    "recipient.requester_workflow_id IS NOT NULL AND recipient.state = 'done' "
    "AND NOT recipient.requester_signalled"
)
"""As the index has it, too."""
