"""How a call went by all that its provider has reported, whatever was recorded at its end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import bindparam, select
from sqlmodel import Session

from outdial.domain.call.event import CallEvent
from outdial.domain.call.evidence import ending_of
from outdial.domain.call.status import OUTCOME_UNKNOWN, CallStatus, outcome_of
from outdial.store.call.locked_call import LockedCall, read_call
from outdial.store.call.merging import Heard, merge
from outdial.store.db.tables import call, event
from outdial.store.records import readable_events

_EVENTS = select(event.c.call_id, event.c.payload).where(
    event.c.call_id.in_(bindparam("call_ids", expanding=True))
)
_LAST_ATTEMPT = (
    select(call.c.id, call.c.status)
    .where(
        call.c.recipient_id == bindparam("of_recipient"),
        call.c.number < bindparam("before"),
        call.c.is_attempt,
        call.c.settled_at.is_not(None),
    )
    .order_by(call.c.number.desc())
    .limit(1)
)


def read_events(s: Session, call_ids: Sequence[str]) -> dict[str, list[CallEvent]]:
    """The events that are stored for calls, by call."""
    events: dict[str, list[CallEvent]] = defaultdict(list)
    if call_ids:
        stored = s.connection().execute(_EVENTS, {"call_ids": list(call_ids)})
        for call_id, heard in readable_events(stored):
            events[call_id].append(heard)
    return events


def proved_outcome(locked: LockedCall, heard: Heard) -> str:
    """The outcome that its events prove."""
    if heard.answered:
        return outcome_of(
            CallStatus.COMPLETED,
            answered_by=locked.call.answered_by,
            disposition=locked.call.disposition,
        )
    if heard.ending is None:
        return OUTCOME_UNKNOWN
    end = ending_of(heard.ending)
    return outcome_of(end.status, failure=end.failure)


def talked(heard: Heard, outcome: str) -> bool:
    """Whether events, and the outcome that they prove, say that the call was answered."""
    return heard.answered or outcome == CallStatus.COMPLETED.value


def answered_before(s: Session, locked: LockedCall) -> tuple[LockedCall, str] | None:
    """The recipient's last attempt before a call, where its reports prove that it was answered
    though its end says otherwise; with the outcome that they prove."""
    values = {"of_recipient": locked.call.recipient_id, "before": locked.call.number}
    row = s.connection().execute(_LAST_ATTEMPT, values).first()
    if row is None or row.status == CallStatus.COMPLETED.value:
        return None
    earlier = read_call(s, row.id)
    if earlier is None:
        return None
    earlier.recipient_row = locked.recipient_row
    heard = merge(read_events(s, [earlier.id])[earlier.id])
    outcome = proved_outcome(earlier, heard)
    return (earlier, outcome) if talked(heard, outcome) else None
