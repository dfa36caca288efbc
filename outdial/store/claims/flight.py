"""Calls in flight, as those see them who want to hang them up."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import Session

from outdial.domain.record import CallRecord
from outdial.store.db.tables import call, lease
from outdial.store.records import call_record


def calls_in_flight(s: Session, campaign_id: int) -> list[CallRecord]:
    """The calls of a campaign that hold a slot, oldest first."""
    found = (
        select(call)
        # Every lease has its call; "outer" keeps SQLite from starting with the longer table.
        .join_from(lease, call, call.c.id == lease.c.call_id, isouter=True)
        .where(lease.c.campaign_id == campaign_id)
        .order_by(lease.c.acquired_at, call.c.id)
    )
    return [call_record(row) for row in s.connection().execute(found).mappings()]
