"""Leases: the slots that calls hold, and how the sweeper frees those of lost workflows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, and_, bindparam, exists, or_, select, update
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState, ClaimedCall
from outdial.domain.call.event import CallEnd
from outdial.domain.call.status import REMOVED, Fence
from outdial.domain.record import CallRecord, Settled
from outdial.store.call.locked_call import lock_call
from outdial.store.call.settlement import end_call
from outdial.store.compliance.suppressions import BEFORE_A_TALK, reason_of
from outdial.store.db.tables import call, campaign, lease, recipient
from outdial.store.records import call_record, claimed_call

SWEPT = "swept"

_CALLING = select(exists().where(lease.c.campaign_id == call.c.campaign_id).correlate(call)).where(
    call.c.id == bindparam("of_call")
)

_Position = tuple[datetime, str]
"""When a lease was acquired, and its call."""

_TO_BE_HUNG_UP = or_(
    and_(campaign.c.state == CampaignState.STOPPING.value, campaign.c.hang_up),
    # Who is removed by a revision is called to the end of the call.
    and_(recipient.c.withdrawn, recipient.c.reason.is_distinct_from(REMOVED)),
    and_(
        call.c.status.in_(BEFORE_A_TALK),
        reason_of(call.c.tenant, call.c.phone).is_not(None),
    ),
)


@dataclass(frozen=True, slots=True)
class LeaseCheck:
    call: CallRecord
    expires_at: datetime
    """No call lasts longer (UTC), counted from the latest instant at which it was placed."""
    acquired_at: datetime
    claimed: ClaimedCall
    """What the call's workflow was started with."""
    to_be_hung_up: bool
    """Its campaign is hanging up, it was withdrawn, or its number was listed before a talk."""


def campaign_is_calling(s: Session, call_id: str) -> bool:
    """Whether calls of the campaign that a call belongs to hold slots."""
    return bool(s.connection().execute(_CALLING, {"of_call": call_id}).scalar())


def calls_in_flight(s: Session, campaign_id: int, *, limit: int | None = None) -> list[CallRecord]:
    """The calls of a campaign that hold a slot, oldest first."""
    statement = (
        select(call)
        # Every lease has its call; "outer" keeps SQLite from starting with the longer table.
        .join_from(lease, call, call.c.id == lease.c.call_id, isouter=True)
        .where(lease.c.campaign_id == campaign_id)
        .order_by(lease.c.acquired_at, call.c.id)
        .limit(limit)
    )
    return [call_record(row) for row in s.connection().execute(statement).mappings()]


def leases_to_check(
    s: Session,
    *,
    now: datetime,
    older_than: timedelta,
    limit: int,
    after: LeaseCheck | None = None,
) -> list[LeaseCheck]:
    """Leases of some age, of all tenants, oldest first; those behind `after`, if it is given.

    Fewer than `limit` only if there are no more.
    """
    position = None if after is None else (after.acquired_at, after.call.id)
    checks: list[LeaseCheck] = []
    while True:
        wanted = limit - len(checks)
        ids, position = _old_leases(s, now - older_than, wanted, position)
        # In two steps, or databases may begin with calls, recipients or campaigns. In between,
        # calls may end and free their slots: there may be more behind them.
        checks += _checks(s, ids)
        if len(ids) < wanted or len(checks) == limit:
            return checks


def _old_leases(
    s: Session, before: datetime, limit: int, after: _Position | None
) -> tuple[list[str], _Position | None]:
    """The calls of leases, oldest first, and the place of the last one."""
    old = select(lease.c.acquired_at, lease.c.call_id).where(lease.c.acquired_at <= before)
    if after is not None:
        acquired_at, call_id = after
        # The first condition alone lets the index be used by both databases.
        old = old.where(
            lease.c.acquired_at >= acquired_at,
            or_(lease.c.acquired_at > acquired_at, lease.c.call_id > call_id),
        )
    old = old.order_by(lease.c.acquired_at, lease.c.call_id).limit(limit)
    rows = [(row.acquired_at, row.call_id) for row in s.connection().execute(old)]
    return [call_id for _, call_id in rows], rows[-1] if rows else None


def _checks(s: Session, ids: list[str]) -> list[LeaseCheck]:
    """The leases of these calls that are still held, in the same order."""
    if not ids:
        return []
    checked = (
        select(
            call,
            lease.c.acquired_at,
            lease.c.expires_at,
            _TO_BE_HUNG_UP.label("to_be_hung_up"),
        )
        .join_from(lease, call, call.c.id == lease.c.call_id)
        .join(recipient, recipient.c.id == call.c.recipient_id)
        .join(campaign, campaign.c.id == call.c.campaign_id)
        .where(lease.c.call_id.in_(ids), call.c.id.in_(ids))
    )
    checks = {row["id"]: _check(row) for row in s.connection().execute(checked).mappings()}
    return [checks[each] for each in ids if each in checks]


def _check(row: RowMapping) -> LeaseCheck:
    # A call that was reported late holds a slot that is younger than its fence.
    placed_by = max(row["fence_deadline"] or row["acquired_at"], row["acquired_at"])
    return LeaseCheck(
        call=call_record(row),
        expires_at=placed_by + (row["expires_at"] - row["acquired_at"]),
        acquired_at=row["acquired_at"],
        claimed=claimed_call(row),
        to_be_hung_up=bool(row["to_be_hung_up"]),
    )


def close_fence(s: Session, call_id: str, *, now: datetime) -> Fence:
    """Make sure that a late workflow cannot dial; the fence as it was before.

    Only a claimed call is closed: what may have left stays as it is. Raises UnknownCall.
    """
    fence = lock_call(s, call_id).call.fence
    if fence is Fence.CLAIMED:
        s.connection().execute(
            update(call).where(call.c.id == call_id).values(fence=Fence.CLOSED.value)
        )
    return fence


def release_unplaced(s: Session, call_id: str, *, now: datetime) -> Settled:
    """Free the slot of a call that never left; its recipient waits again.

    A call that may have left is not changed. Raises UnknownCall.
    """
    locked = lock_call(s, call_id)
    if locked.call.fence in (Fence.PLACING, Fence.PLACED):
        return locked.as_settled(changed=False)
    return end_call(s, call_id, CallEnd.withdrawn(now, SWEPT), now=now)
