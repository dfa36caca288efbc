"""The gate of a campaign: a lock that keeps its fences apart from changes of what they rely on.

On PostgreSQL it is an advisory lock, taken first: shared by fences, which pass side by side, and
exclusively by whoever pauses, stops, edits or blocks the campaign. What a fence reads behind the
gate is therefore true until it commits. Advisory locks are granted in the order in which they were
requested: a fence that comes after a pause waits for it, so a pause waits for the fences that came
before it and for no other transaction. Row locks held shared would not do: a new holder is let in
past a transaction that waits to change the row, and where several overlap at any time that one
waits for ever.

Always taken in this order: claim states by campaign, gates by campaign, rows.
SQLite has one writer at a time, and no gates.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import text
from sqlmodel import Session

from outdial.store.db.dialect import on_postgresql

_CLASS = 26465
"""Keeps these locks apart from those of `lock_keys`, whose keys are of another size."""
_OF_CALL = text(
    f"SELECT pg_advisory_xact_lock_shared({_CLASS}, CAST(campaign_id % 2147483647 AS int)) "
    'FROM "call" WHERE id = :call_id'
)
_OF_CAMPAIGNS = text(
    f"SELECT pg_advisory_xact_lock({_CLASS}, CAST(id % 2147483647 AS int)) "
    "FROM unnest(CAST(:ids AS bigint[])) AS id"
)


def pass_gate(s: Session, call_id: str) -> None:
    """Pass the gate of a call's campaign, which nobody shuts until the transaction ends."""
    if on_postgresql(s):
        s.connection().execute(_OF_CALL, {"call_id": call_id})


def shut_gates(s: Session, campaign_ids: Iterable[int]) -> None:
    """Keep fences of campaigns out until the transaction ends; they read what it commits."""
    ids = sorted(set(campaign_ids))
    if ids and on_postgresql(s):
        s.connection().execute(_OF_CAMPAIGNS, {"ids": ids})
