"""Calls: found, listed, placed. Their end and settlement are in `store.call.settlement`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select, tuple_, update
from sqlmodel import Session

from outdial.domain.call.event import CallEvent
from outdial.domain.call.status import CallStatus, FailureClass, Fence
from outdial.domain.record import DEFAULT_TENANT, CallRecord
from outdial.store.call.late_evidence import may_change_what_follows
from outdial.store.call.locked_call import lock_call, save_calls
from outdial.store.call.matching import apply_events, provider_key
from outdial.store.call.rivals import lock_with_rivals
from outdial.store.call.settlement import end_call, settle_call, settle_overdue
from outdial.store.db.dialect import lock_keys, unindexed
from outdial.store.db.errors import UnknownCall
from outdial.store.db.tables import call, event
from outdial.store.lines.health import note_doubt, note_signs_of_life, note_withdrawn
from outdial.store.records import call_record, readable_events


def get_call(s: Session, call_id: str) -> CallRecord | None:
    row = s.connection().execute(select(call).where(call.c.id == call_id)).mappings().first()
    return None if row is None else call_record(row)


def get_call_by_provider_id(
    s: Session, line: str, provider_call_id: str, *, tenant: str = DEFAULT_TENANT
) -> CallRecord | None:
    """The call of a line that its provider knows by this id; the newest, should it repeat."""
    found = (
        select(call)
        .where(
            unindexed(call.c.tenant) == tenant,
            unindexed(call.c.line) == line,
            call.c.provider_call_id == provider_call_id,
        )
        .order_by(call.c.created_at.desc())
        .limit(1)
    )
    row = s.connection().execute(found).mappings().first()
    return None if row is None else call_record(row)


def list_calls(
    s: Session,
    campaign_id: int,
    *,
    status: CallStatus | None = None,
    launch: int | None = None,
    limit: int = 100,
    after: str | None = None,
) -> list[CallRecord]:
    """Calls of a campaign, oldest first; `after` is the last call's id of the page before."""
    found = select(call).where(call.c.campaign_id == campaign_id)
    if status is not None:
        found = found.where(call.c.status == status.value)
    if launch is not None:
        found = found.where(call.c.launch == launch)
    if after is not None:
        last = select(call.c.created_at).where(call.c.id == after).scalar_subquery()
        found = found.where(tuple_(call.c.created_at, call.c.id) > tuple_(last, after))
    found = found.order_by(call.c.created_at, call.c.id).limit(limit)
    return [call_record(row) for row in s.connection().execute(found).mappings()]


def awaiting_analysis(
    s: Session, *, before: datetime, limit: int, without: Collection[str] = ()
) -> list[CallRecord]:
    """Calls of all tenants that a claim settles before an instant, with or without analysis;
    without those of some ids."""
    found = (
        select(call)
        .where(
            call.c.settled_at.is_(None), call.c.settle_by.is_not(None), call.c.settle_by <= before
        )
        .order_by(call.c.settle_by)
        .limit(limit)
    )
    if without:
        found = found.where(call.c.id.not_in(without))
    return [call_record(row) for row in s.connection().execute(found).mappings()]


def record_placed(
    s: Session, call_id: str, provider_call_id: str, *, now: datetime
) -> list[CallEvent]:
    """The provider took the call, and calls it so.

    Gives back what was heard about it before and signalled to nobody, oldest first, for the
    caller to apply; a sweeper signals it too, so it may be heard twice. Raises UnknownCall.
    """
    late = _lock_provider_id(s, call_id, provider_call_id)
    found = lock_with_rivals(s, [call_id], [call_id] if late else [])
    (locked,), rivals = found.calls, found.rivals
    if locked.call.fence is Fence.PLACING:
        locked.change_call(fence=Fence.PLACED, placed_at=now)
    if locked.call.provider_call_id != provider_call_id:
        locked.change_call(provider_call_id=provider_call_id)
    bound = s.connection().execute(
        update(event)
        .where(
            unindexed(event.c.tenant) == locked.call.tenant,
            unindexed(event.c.line) == locked.call.line,
            event.c.provider_call_id == provider_call_id,
            event.c.call_id.is_(None),
        )
        .values(call_id=call_id)
    )
    if bound.rowcount:
        apply_events(s, [locked], now, rivals)
    save_calls(s, [locked, *rivals], now)
    note_signs_of_life(s, [locked], now)
    note_withdrawn(s, [locked, *rivals], now)
    return _unsignalled(s, call_id)


def record_not_placed(
    s: Session,
    call_id: str,
    *,
    failure: FailureClass,
    detail: str | None,
    now: datetime,
    retry_after: timedelta | None = None,
    answered: bool = True,
) -> bool:
    """Certainly no call was made: the fence goes from placing to not placed.

    `answered` is whether the answer to the placing request said so; where the provider merely
    does not know the call, the placement counts towards the daily ceiling all the same.
    The answer is kept with the call, for whoever asks after the process that heard it died.
    False, and nothing changes, when it is not placing: an event may have proved a call.
    """
    left = {"left_at": None} if answered else {}
    moved = s.connection().execute(
        update(call)
        .where(call.c.id == call_id, call.c.fence == Fence.PLACING.value)
        .values(
            **left,
            fence=Fence.NOT_PLACED.value,
            failure=failure.value,
            detail=detail,
            retry_after_seconds=None if retry_after is None else retry_after.total_seconds(),
        )
    )
    return moved.rowcount > 0


def record_doubt(s: Session, call_id: str, *, detail: str | None, now: datetime) -> None:
    """Nobody knows whether the provider took the call, which its line has to answer for.

    Raises UnknownCall.
    """
    note_doubt(s, lock_call(s, call_id), detail, now)


def _lock_provider_id(s: Session, call_id: str, provider_call_id: str) -> bool:
    """An event with this id that is being stored right now is seen by us, or it sees us.

    Gives back whether events may change what follows for the recipient. Raises UnknownCall.
    """
    columns = (call.c.tenant, call.c.line, call.c.status, call.c.is_attempt, call.c.settled_at)
    row = s.connection().execute(select(*columns).where(call.c.id == call_id)).first()
    if row is None:
        raise UnknownCall(call_id)
    lock_keys(s, [provider_key(row.tenant, row.line, provider_call_id)])
    settled = row.settled_at is not None
    return may_change_what_follows(CallStatus(row.status), row.is_attempt, settled=settled)


def _unsignalled(s: Session, call_id: str) -> list[CallEvent]:
    found = (
        select(event.c.call_id, event.c.payload)
        .where(event.c.call_id == call_id, event.c.signalled_at.is_(None))
        .order_by(event.c.id)
    )
    told = (heard for _, heard in readable_events(s.connection().execute(found)))
    return sorted(told, key=lambda heard: heard.at)


__all__ = [
    "awaiting_analysis",
    "end_call",
    "get_call",
    "get_call_by_provider_id",
    "list_calls",
    "record_doubt",
    "record_not_placed",
    "record_placed",
    "settle_call",
    "settle_overdue",
]
