"""Events of providers: stored once, matched to their calls, and applied to them.

They may come twice, late, out of order, and before the response that names the call.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, select, update
from sqlmodel import Session

from outdial.domain.call.disposition import OTHER, disposition_of, masked_text
from outdial.domain.call.event import CallEvent, EventSummary, believable
from outdial.domain.call.status import CallStatus, Fence, advance
from outdial.domain.clocks import named_instant
from outdial.domain.record import DEFAULT_TENANT, Settled
from outdial.store.call.late_evidence import (
    lock_with_rivals,
    may_change_what_follows,
    take_late_evidence,
)
from outdial.store.call.locked_call import LockedCall
from outdial.store.call.matches import Match, Matches, provider_key
from outdial.store.call.settlement import (
    read_events,
    readable_events,
    save_calls,
    settle_locked,
    suppress_opted_out,
)
from outdial.store.claims.ceiling import count_placement
from outdial.store.db.bulk import among
from outdial.store.db.dialect import insert_into, lock_keys, unindexed
from outdial.store.db.errors import UnknownCall
from outdial.store.db.tables import call, event
from outdial.store.lines.health import record_withdrawn, record_working_lines

_PLACED = select(
    call.c.tenant, call.c.line, call.c.status, call.c.is_attempt, call.c.settled_at
).where(call.c.id == bindparam("of_call"))
_BIND = (
    update(event)
    .where(
        unindexed(event.c.tenant) == bindparam("of_tenant"),
        unindexed(event.c.line) == bindparam("of_line"),
        event.c.provider_call_id == bindparam("of_provider"),
        event.c.call_id.is_(None),
    )
    .values(call_id=bindparam("to_call"))
)
_UNSIGNALLED = (
    select(event.c.call_id, event.c.payload)
    .where(event.c.call_id == bindparam("of_call"), event.c.signalled_at.is_(None))
    .order_by(event.c.id)
)
_SIGNALLED = update(event).where(
    event.c.tenant == bindparam("of_tenant"),
    event.c.line == bindparam("of_line"),
    event.c.event_id.in_(bindparam("ids", expanding=True)),
    event.c.signalled_at.is_(None),
)
_INSTANTS = ("ringing_at", "answered_at", "analysed_at")


class StoredEvents(NamedTuple):
    """What was stored of a batch, in its order: each event with its call, if that is known."""

    events: list[CallEvent]
    new: list[CallEvent]
    """Those that were not known before."""
    settled: list[Settled]
    """Calls that the new ones settled, or ended before they left; and what they listed."""


def store_events(
    s: Session,
    line: str,
    events: Sequence[CallEvent],
    *,
    now: datetime,
    tenant: str = DEFAULT_TENANT,
) -> StoredEvents:
    """Store what a line's provider reported.

    An event belongs to a call of that line only, whatever id it echoes. One that is known
    already changes nothing.
    """
    reported = [believable(_without_nul(each), now) for each in events]
    nameless = (each.provider_call_id for each in reported if each.call_id is None)
    lock_keys(s, [provider_key(tenant, line, name) for name in nameless if name is not None])
    matches = Matches(s, tenant, line, reported)
    inserted = _insert(s, tenant, line, reported, matches, now)
    matched, new = [], []
    for each in reported:
        match = matches.of(each)
        ids = {} if match is None else {"call_id": match.call_id, "workflow_id": match.workflow_id}
        matched.append(each.model_copy(update={"call_id": None} | ids))
        if each.event_id in inserted:
            inserted.discard(each.event_id)  # of two with one id, the first is the new one
            new.append(matched[-1])
    matched_new = [match for each in new if (match := matches.of(each)) is not None]
    return StoredEvents(matched, new, _apply(s, matched_new, now))


def record_placed(
    s: Session, call_id: str, provider_call_id: str, *, now: datetime
) -> list[CallEvent]:
    """The provider took the call, and calls it so.

    Returns what was reported of it before and not signalled, oldest first, for the caller to pass
    on; a sweeper signals it too, so it may arrive twice. Raises UnknownCall.
    """
    late = _lock_provider_id(s, call_id, provider_call_id)
    together = lock_with_rivals(s, [call_id], [call_id] if late else [])
    (locked,), rivals = together.calls, together.rivals
    if locked.call.fence is Fence.PLACING:
        locked.change_call(fence=Fence.PLACED, placed_at=now)
    if locked.call.provider_call_id != provider_call_id:
        locked.change_call(provider_call_id=provider_call_id)
    bound = s.connection().execute(
        _BIND,
        {
            "of_tenant": locked.call.tenant,
            "of_line": locked.call.line,
            "of_provider": provider_call_id,
            "to_call": call_id,
        },
    )
    if bound.rowcount:
        apply_events(s, [locked], now, rivals)
    save_calls(s, [locked, *rivals], now)
    record_working_lines(s, [locked], now)
    record_withdrawn(s, [locked, *rivals], now)
    return _unsignalled(s, call_id)


def apply_events(
    s: Session, calls: Sequence[LockedCall], now: datetime, rivals: Sequence[LockedCall] = ()
) -> None:
    """Bring calls up to date with all events stored for them; the caller saves the calls.

    `rivals` are calls that may have to be withdrawn for them; the caller saves these, too.

    A status moves forward and never to an end. An analysis settles a call that has ended, and
    what comes after the settlement still counts for cost, records and suppression.
    """
    events = read_events(s, [locked.id for locked in calls])
    ready: list[LockedCall] = []
    for locked in calls:
        reported = events[locked.id]
        if reported and locked.call.fence is Fence.NOT_PLACED:
            count_placement(s, locked.id)
        summary = EventSummary.of(reported)
        _take_summary(locked, summary, now, reported=bool(reported))
        if locked.status.terminal and reported:
            take_late_evidence(s, locked, summary, [*calls, *rivals], now)
        if locked.settled:
            suppress_opted_out(s, locked, now)
        elif locked.status.terminal and locked.call.analysed_at is not None:
            ready.append(locked)
    settle_locked(s, ready, now)


def _take_summary(
    locked: LockedCall, summary: EventSummary, now: datetime, *, reported: bool
) -> None:
    """`reported` is whether there are any events of the call."""
    values = summary.values
    named = values.get("redial_at")
    if named is not None and named.tzinfo is None:
        values["redial_at"] = named_instant(locked.zones, named)
    _read_disposition(locked, values)
    _bound_instants(locked, values, now)
    changes = locked.call_row.differing(values)
    status = advance(locked.status, summary.status)
    if status is not locked.status:
        changes["status"] = status
    if locked.call.provider_call_id is None and summary.provider_call_id is not None:
        changes["provider_call_id"] = summary.provider_call_id
    if reported and locked.call.fence in (Fence.PLACING, Fence.NOT_PLACED):
        # A report proves that the provider has the call, whatever its response was.
        changes |= {"fence": Fence.PLACED, "placed_at": now}
        if locked.call.fence is Fence.NOT_PLACED and not locked.status.terminal:
            changes |= {"failure": None, "detail": None, "retry_after_seconds": None}
    locked.change_call(**changes)


def _bound_instants(locked: LockedCall, values: dict[str, Any], now: datetime) -> None:
    """Clamp the provider's times between placement and receipt; of several, the earliest counts."""
    for name in _INSTANTS:
        if name in values:
            values[name] = locked.instant(values[name], now)
            earlier = getattr(locked.call, name)
            if earlier is not None:
                values[name] = min(values[name], earlier)


def _read_disposition(locked: LockedCall, values: dict[str, Any]) -> None:
    """Store the agent's disposition as a slug; free text stays in the agent's data only."""
    written = values.get("disposition")
    if written is None:
        return
    values["disposition"] = slug = disposition_of(written, locked.plan.dispositions())
    if slug == OTHER:
        structured = values.get("structured", {})
        kept = structured.get("disposition", written)  # providers repeat it among their data
        if isinstance(kept, str):
            values["structured"] = structured | {"disposition": masked_text(kept)}


def mark_signalled(s: Session, keys: Iterable[tuple[str, str, str]], *, now: datetime) -> None:
    """Events have reached their workflows: tenant, line and id of each."""
    of_lines: dict[tuple[str, str], list[str]] = defaultdict(list)
    for tenant, line, event_id in keys:
        of_lines[tenant, line].append(event_id)
    for tenant, line in sorted(of_lines):
        ids = of_lines[tenant, line]
        s.connection().execute(
            _SIGNALLED,
            {"of_tenant": tenant, "of_line": line, "ids": ids, "signalled_at": now},
        )


class UnsignalledEvent(NamedTuple):
    """An event as it is stored; `read` may fail on its own."""

    id: int
    tenant: str
    line: str
    event_id: str
    call_id: str
    workflow_id: str
    payload: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.tenant, self.line, self.event_id

    def read(self) -> CallEvent:
        """Raises ValidationError when an earlier version stored what this one can't read."""
        stored = CallEvent.model_validate_json(self.payload)
        ids = {"call_id": self.call_id, "workflow_id": self.workflow_id}
        return stored.model_copy(update=ids)


def unsignalled_events(
    s: Session, *, before: datetime, limit: int, without: Collection[int] = ()
) -> list[UnsignalledEvent]:
    """Events of known calls that were received before an instant, and that no workflow is known to
    have; without those of some row ids."""
    statement = (
        select(
            event.c.id,
            event.c.tenant,
            event.c.line,
            event.c.event_id,
            event.c.call_id,
            call.c.workflow_id,
            event.c.payload,
        )
        .join_from(event, call, call.c.id == event.c.call_id)
        .where(
            event.c.signalled_at.is_(None),
            event.c.call_id.is_not(None),
            event.c.received_at < before,
        )
        .order_by(event.c.received_at, event.c.id)
        .limit(limit)
    )
    if without:
        statement = statement.where(event.c.id.not_in(without))
    return [UnsignalledEvent(*row) for row in s.connection().execute(statement)]


def events_of_call(s: Session, call_id: str) -> list[CallEvent]:
    """Everything that was reported about a call, by the time at which it happened."""
    statement = select(event.c.call_id, event.c.payload).where(event.c.call_id == call_id)
    return _by_time(s, statement)


def events_of_calls(s: Session, call_ids: Sequence[str]) -> dict[str, list[CallEvent]]:
    """Everything that was reported about some calls, as `events_of_call` has it."""
    query = select(event.c.call_id, event.c.payload).where(among(event.c.call_id, "ids"))
    reported: dict[str, list[CallEvent]] = {call_id: [] for call_id in call_ids}
    rows = s.connection().execute(query, {"ids": list(call_ids)})
    for call_id, each in readable_events(rows):
        reported[call_id].append(each)
    for events in reported.values():
        events.sort(key=lambda each: (each.at, each.event_id))
    return reported


def events_of_recipient(s: Session, tenant: str, recipient_id: int) -> list[CallEvent]:
    """Everything that was reported about a recipient's calls, by the time at which it happened."""
    # In two steps, or databases may begin with the events.
    calls = select(call.c.id).where(
        call.c.recipient_id == recipient_id, unindexed(call.c.tenant) == tenant
    )
    ids = list(s.connection().execute(calls).scalars())
    of_calls = select(event.c.call_id, event.c.payload).where(event.c.call_id.in_(ids))
    return _by_time(s, of_calls) if ids else []


def _by_time(s: Session, statement: Select[Any]) -> list[CallEvent]:
    events = (each for _, each in readable_events(s.connection().execute(statement)))
    return sorted(events, key=lambda each: (each.at, each.event_id))


def _insert(
    s: Session,
    tenant: str,
    line: str,
    events: Sequence[CallEvent],
    matches: Matches,
    now: datetime,
) -> set[str]:
    """Insert events; the ids of those that were not stored before."""
    rows: dict[str, dict[str, Any]] = {}
    for each in events:
        match = matches.of(each)
        no_open_workflow = match is not None and match.workflow_id is None
        rows.setdefault(
            each.event_id,
            {
                "tenant": tenant,
                "line": line,
                "event_id": each.event_id,
                "call_id": None if match is None else match.call_id,
                "provider_call_id": each.provider_call_id,
                "payload": each.model_dump_json(exclude_defaults=True),
                "received_at": now,
                "signalled_at": now if no_open_workflow else None,
            },
        )
    if not rows:
        return set()
    inserted = s.connection().execute(
        insert_into(s, event).on_conflict_do_nothing().returning(event.c.event_id),
        # Sorted, so that two who store the same events wait for each other in one order.
        [rows[event_id] for event_id in sorted(rows)],
    )
    return set(inserted.scalars())


def _apply(s: Session, matches: Sequence[Match], now: datetime) -> list[Settled]:
    """Apply stored events to their calls. Returns the settled ones, withdrawn rivals included."""
    late = {match.call_id for match in matches if match.late}
    together = lock_with_rivals(s, {match.call_id for match in matches}, late)
    before = {locked.id for locked in together.calls if locked.settled}
    apply_events(s, together.calls, now, together.rivals)
    save_calls(s, [*together.calls, *together.rivals], now)
    record_working_lines(s, together.calls, now)
    record_withdrawn(s, [*together.calls, *together.rivals], now)
    settled = [
        locked.as_settled(changed=locked.next_attempt_revised or locked.id not in before)
        for locked in together.calls
        if locked.listed
        or locked.next_attempt_revised
        or (locked.settled and locked.id not in before)
    ]
    recipients = {each.recipient_id for each in settled}
    withdrawn = [
        rival.as_settled(changed=True)
        for rival in together.rivals
        if rival.settled_now and rival.call.recipient_id not in recipients
    ]
    return [*settled, *withdrawn]


def _lock_provider_id(s: Session, call_id: str, provider_call_id: str) -> bool:
    """Lock the provider's id against `store_events`: one of the two transactions sees the other's.

    Returns whether events may change what follows for the recipient. Raises UnknownCall.
    """
    row = s.connection().execute(_PLACED, {"of_call": call_id}).first()
    if row is None:
        raise UnknownCall(call_id)
    lock_keys(s, [provider_key(row.tenant, row.line, provider_call_id)])
    settled = row.settled_at is not None
    return may_change_what_follows(CallStatus(row.status), row.is_attempt, settled=settled)


def _unsignalled(s: Session, call_id: str) -> list[CallEvent]:
    stored = s.connection().execute(_UNSIGNALLED, {"of_call": call_id})
    events = (each for _, each in readable_events(stored))
    return sorted(events, key=lambda each: each.at)


def _without_nul(reported: CallEvent) -> CallEvent:
    """Remove NUL characters, which PostgreSQL can't store, such as one in a transcript."""
    if "\\u0000" not in reported.model_dump_json():
        return reported
    return CallEvent.model_validate(_cleaned(reported.model_dump()))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(item) for item in value]
    return value
