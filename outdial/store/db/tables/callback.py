"""Callback runs with their entries, and tool calls of agents."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, literal_column, text
from sqlmodel import Field

from outdial.store.db.tables.columns import BigId, JsonText, Row, UtcDateTime, table_of

_UNSTARTED = text("started_at IS NULL")
_UNFINISHED = text("state = 'pending'")


class CallbackRunRow(Row, table=True):
    """The callbacks of one call. Stored when it settles; `CallbackWorkflow` carries them out."""

    __tablename__ = "callback_run"
    __table_args__ = (
        Index(
            "ix_callback_run_unstarted",
            "created_at",
            sqlite_where=_UNSTARTED,
            postgresql_where=_UNSTARTED,
        ),
        Index(
            "ix_callback_run_unfinished",
            "started_at",
            "call_id",
            sqlite_where=_UNFINISHED,
            postgresql_where=_UNFINISHED,
        ),
        Index("ix_callback_run_campaign", "campaign_id", "created_at", "call_id"),
    )

    call_id: str = Field(sa_type=Text, primary_key=True, sa_column_args=(ForeignKey("call.id"),))
    tenant: str = Field(sa_type=Text)
    campaign_id: int = Field(sa_type=BigId)
    state: str = Field(sa_type=Text)
    run: int = 1
    """Grows with each retry; part of the workflow's id."""
    error: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class CallbackEntryRow(Row, table=True):
    __tablename__ = "callback_entry"
    __table_args__ = (
        Index("ix_callback_entry_state", "campaign_id", "state", "created_at", "call_id"),
    )

    call_id: str = Field(
        sa_type=Text, primary_key=True, sa_column_args=(ForeignKey("callback_run.call_id"),)
    )
    position: int = Field(primary_key=True)
    """In the definition's list of callbacks."""
    campaign_id: int = Field(sa_type=BigId)
    created_at: datetime = Field(sa_type=UtcDateTime)
    """As its run has them, for lists of runs by the state of their entries."""
    kind: str = Field(sa_type=Text)
    callback: str = Field(sa_type=Text)
    """The Callback as JSON text, as the definition had it when the call settled."""
    state: str = Field(sa_type=Text)
    generation: int = 1
    """Grows when it is undone, and with it the idempotency key of what is done anew."""
    note: str | None = Field(default=None, sa_type=Text)
    result: dict[str, Any] | None = Field(default=None, sa_type=JsonText)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class ToolCallRow(Row, table=True):
    """A question of an agent during a call, and its answer."""

    __tablename__ = "tool_call"

    tenant: str = Field(sa_type=Text, primary_key=True)
    line: str = Field(sa_type=Text, primary_key=True)
    tool_call_id: str = Field(sa_type=Text, primary_key=True)
    call_id: str = Field(sa_type=Text, sa_column_args=(ForeignKey("call.id"),))
    tool: str = Field(sa_type=Text)
    answer: dict[str, Any] = Field(sa_type=JsonText)
    at: datetime = Field(sa_type=UtcDateTime)


callback_run = table_of(CallbackRunRow)
callback_entry = table_of(CallbackEntryRow)
tool_call = table_of(ToolCallRow)

is_unfinished = callback_run.c.state == literal_column("'pending'")
"""Written as the index has it: a parameter would keep the database from using that."""
