"""Events of providers: stored once, matched to their calls, applied, and signalled.

They may come twice, late, out of order, and before the response that names the call.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, update
from sqlmodel import Session

from outdial.domain.call.believing import believable
from outdial.domain.call.event import CallEvent
from outdial.domain.record import DEFAULT_TENANT, Settled
from outdial.store.call.locked_call import save_calls
from outdial.store.call.matching import Match, Matches, apply_events, provider_key
from outdial.store.call.rivals import lock_with_rivals
from outdial.store.db.dialect import insert_into, lock_keys, unindexed
from outdial.store.db.tables import call, event
from outdial.store.lines.health import note_signs_of_life, note_withdrawn
from outdial.store.records import readable_events


@dataclass(frozen=True, slots=True)
class StoredEvent:
    event_row_id: int
    call_id: str | None
    """None while it is not known which call it is about."""
    workflow_id: str | None
    """Whom to signal; None when no call is known yet, or the call has ended."""
    event: CallEvent
    new: bool
    settled: Settled | None = None
    """What it settled, when it was the analysis that an ended call awaited; or what it listed."""
    withdrawn: tuple[Settled, ...] = ()
    """Newer calls that were ended because of it, before they left."""

    @property
    def to_tell(self) -> tuple[Settled, ...]:
        """Settlements of which somebody may have to be told."""
        return self.withdrawn if self.settled is None else (self.settled, *self.withdrawn)


def store_events(
    s: Session,
    line: str,
    events: Sequence[CallEvent],
    *,
    now: datetime,
    tenant: str = DEFAULT_TENANT,
) -> list[StoredEvent]:
    """Store what a line's provider reported; one result for each event, in their order.

    An event belongs to a call of that line only, whatever id it echoes. One that is known
    already changes nothing.
    """
    told = [believable(_without_nul(heard), now) for heard in events]
    nameless = (heard.provider_call_id for heard in told if heard.call_id is None)
    lock_keys(s, [provider_key(tenant, line, name) for name in nameless if name is not None])
    matches = Matches(s, tenant, line, told)
    new = _insert(s, tenant, line, told, matches, now)
    settled, withdrawn = _apply(
        s, [matches.of(heard) for heard in told if heard.event_id in new], now
    )
    known = _known(s, tenant, line, [h.event_id for h in told if h.event_id not in new])
    results = []
    for heard in told:
        match = matches.of(heard)
        row_id = new.pop(heard.event_id, None)
        if row_id is not None:
            known[heard.event_id] = row_id
        results.append(
            StoredEvent(
                event_row_id=known[heard.event_id],
                call_id=None if match is None else match.call_id,
                workflow_id=None if match is None else match.workflow_id,
                event=heard,
                new=row_id is not None,
                settled=None
                if match is None or row_id is None
                else settled.pop(match.call_id, None),
                withdrawn=() if row_id is None else withdrawn,
            )
        )
        if row_id is not None:
            withdrawn = ()
    return results


def mark_signalled(s: Session, event_row_ids: Sequence[int], *, now: datetime) -> None:
    """These events have reached whoever has to know."""
    s.connection().execute(
        update(event)
        .where(event.c.id.in_(event_row_ids), event.c.signalled_at.is_(None))
        .values(signalled_at=now)
    )


@dataclass(frozen=True, slots=True)
class UnsignalledRow:
    """An event as it is stored; `stored_event` reads it, and may fail on its own."""

    id: int
    call_id: str
    workflow_id: str
    payload: str


def unsignalled_rows(
    s: Session, *, before: datetime, limit: int, without: Collection[int] = ()
) -> list[UnsignalledRow]:
    """Events of known calls that no workflow was signalled, received before an instant, oldest
    first; without those of some ids."""
    found = (
        select(event.c.id, event.c.call_id, call.c.workflow_id, event.c.payload)
        .join_from(event, call, call.c.id == event.c.call_id)
        .where(
            event.c.signalled_at.is_(None),
            event.c.call_id.is_not(None),
            event.c.received_at < before,
        )
        .order_by(event.c.received_at)
        .limit(limit)
    )
    if without:
        found = found.where(event.c.id.not_in(without))
    return [UnsignalledRow(*row) for row in s.connection().execute(found)]


def stored_event(row: UnsignalledRow) -> StoredEvent:
    """Raises ValidationError when an earlier version stored what this one can't read."""
    return StoredEvent(
        event_row_id=row.id,
        call_id=row.call_id,
        workflow_id=row.workflow_id,
        event=CallEvent.model_validate_json(row.payload),
        new=False,
    )


def events_of_call(s: Session, call_id: str) -> list[CallEvent]:
    """Everything that was reported about a call, by the time at which it happened."""
    found = select(event.c.call_id, event.c.payload).where(event.c.call_id == call_id)
    return _by_time(s, found)


def events_of_recipient(s: Session, tenant: str, recipient_id: int) -> list[CallEvent]:
    """Everything that was told about a recipient's calls, by the time at which it happened."""
    found = (
        select(event.c.call_id, event.c.payload)
        # Calls without events have no payload: "outer" keeps databases from starting with events.
        .join_from(call, event, call.c.id == event.c.call_id, isouter=True)
        .where(
            call.c.recipient_id == recipient_id,
            unindexed(call.c.tenant) == tenant,
            event.c.payload.is_not(None),
        )
    )
    return _by_time(s, found)


def _by_time(s: Session, found: Select[Any]) -> list[CallEvent]:
    told = (heard for _, heard in readable_events(s.connection().execute(found)))
    return sorted(told, key=lambda heard: (heard.at, heard.event_id))


def _insert(
    s: Session,
    tenant: str,
    line: str,
    events: Sequence[CallEvent],
    matches: Matches,
    now: datetime,
) -> dict[str, int]:
    """Row ids of the events that were not known, by event id."""
    rows: dict[str, dict[str, Any]] = {}
    for heard in events:
        match = matches.of(heard)
        nobody_waits = match is not None and match.workflow_id is None
        rows.setdefault(
            heard.event_id,
            {
                "tenant": tenant,
                "line": line,
                "event_id": heard.event_id,
                "call_id": None if match is None else match.call_id,
                "provider_call_id": heard.provider_call_id,
                "payload": heard.model_dump_json(exclude_defaults=True),
                "received_at": now,
                "signalled_at": now if nobody_waits else None,
            },
        )
    if not rows:
        return {}
    inserted = s.connection().execute(
        insert_into(s, event).on_conflict_do_nothing().returning(event.c.event_id, event.c.id),
        # Sorted, so that two who store the same events wait for each other in one order.
        [rows[event_id] for event_id in sorted(rows)],
    )
    return {row.event_id: row.id for row in inserted}


def _apply(
    s: Session, matches: Sequence[Match | None], now: datetime
) -> tuple[dict[str, Settled], tuple[Settled, ...]]:
    """What was settled of the calls that events are about, and of those that gave way to them."""
    known = [match for match in matches if match is not None]
    late = {match.call_id for match in known if match.late}
    found = lock_with_rivals(s, {match.call_id for match in known}, late)
    before = {locked.id for locked in found.calls if locked.settled}
    apply_events(s, found.calls, now, found.rivals)
    save_calls(s, [*found.calls, *found.rivals], now)
    note_signs_of_life(s, found.calls, now)
    note_withdrawn(s, [*found.calls, *found.rivals], now)
    settled = {
        locked.id: locked.as_settled(changed=locked.decided_anew or locked.id not in before)
        for locked in found.calls
        if locked.listed or locked.decided_anew or (locked.settled and locked.id not in before)
    }
    told = {each.recipient_id for each in settled.values()}
    withdrawn = tuple(
        rival.as_settled(changed=True)
        for rival in found.rivals
        if rival.settled_now and rival.call.recipient_id not in told
    )
    return settled, withdrawn


def _known(s: Session, tenant: str, line: str, event_ids: Sequence[str]) -> dict[str, int]:
    if not event_ids:
        return {}
    found = select(event.c.event_id, event.c.id).where(
        event.c.tenant == tenant, event.c.line == line, event.c.event_id.in_(event_ids)
    )
    return {row.event_id: row.id for row in s.connection().execute(found)}


def _without_nul(heard: CallEvent) -> CallEvent:
    """PostgreSQL keeps no NUL characters; a report must not be refused for one in a transcript."""
    if "\\u0000" not in heard.model_dump_json():
        return heard
    return CallEvent.model_validate(_cleaned(heard.model_dump()))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(item) for item in value]
    return value
