"""Leases: the slots that calls hold, and what the sweeper needs to free one in their place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select, update
from sqlmodel import Session

from domain.call import CallStatus, Fence
from domain.record import CallEnd, CallRecord, Settled
from store.cases import load_cases
from store.errors import UnknownCall
from store.records import call_record
from store.settlement import end_call
from store.tables import call, lease

SWEPT = "swept"

_LIVE = select(func.count()).where(lease.c.campaign_id == bindparam("campaign_id"))


@dataclass(frozen=True, slots=True)
class LeaseCheck:
    call: CallRecord
    expires_at: datetime
    """No call lasts longer (UTC), counted from the latest instant at which it was placed."""


def live_leases(s: Session, campaign_id: int) -> int:
    """How many slots a campaign's calls hold."""
    return int(s.connection().execute(_LIVE, {"campaign_id": campaign_id}).scalar_one())


def leases_to_check(
    s: Session, *, now: datetime, older_than: timedelta, limit: int
) -> list[LeaseCheck]:
    """Leases of some age, of all tenants, oldest first."""
    found = (
        select(call, lease.c.acquired_at, lease.c.expires_at)
        # Every lease has its call; "outer" keeps SQLite from starting with the longer table.
        .join_from(lease, call, call.c.id == lease.c.call_id, isouter=True)
        .where(lease.c.acquired_at <= now - older_than)
        .order_by(lease.c.acquired_at)
        .limit(limit)
    )
    checks = []
    for row in s.connection().execute(found).mappings():
        # A call that was reported late holds a slot that is younger than its fence.
        placed_by = max(row["fence_deadline"] or row["acquired_at"], row["acquired_at"])
        lasts = row["expires_at"] - row["acquired_at"]
        checks.append(LeaseCheck(call_record(row), placed_by + lasts))
    return checks


def close_fence(s: Session, call_id: str, *, now: datetime) -> Fence:
    """See that a late workflow cannot dial; the fence as it was found.

    Only a claimed call is closed: what may have left stays as it is. Raises UnknownCall.
    """
    cases = load_cases(s, [call_id])
    if not cases:
        raise UnknownCall(call_id)
    found = Fence(cases[0].call["fence"])
    if found is Fence.CLAIMED:
        s.connection().execute(
            update(call).where(call.c.id == call_id).values(fence=Fence.CLOSED.value)
        )
    return found


def release_unplaced(s: Session, call_id: str, *, now: datetime) -> Settled:
    """Free the slot of a call that never left; its recipient waits again.

    A call that may have left is not changed. Raises UnknownCall.
    """
    cases = load_cases(s, [call_id])
    if not cases:
        raise UnknownCall(call_id)
    if cases[0].call["fence"] in (Fence.PLACING, Fence.PLACED):
        return cases[0].told(changed=False)
    end = CallEnd(status=CallStatus.CANCELED, at=now, detail=SWEPT, may_have_rung=False)
    return end_call(s, call_id, end, now=now)
