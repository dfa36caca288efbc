"""Which call an event is about, and what the events of a call change of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlmodel import Session

from outdial.domain.call.disposition import OTHER, disposition_of, masked_text
from outdial.domain.call.event import CallEvent
from outdial.domain.call.status import CallStatus, Fence, advance
from outdial.domain.clocks import named_instant
from outdial.store.call.late_evidence import may_change_what_follows, take_late_evidence
from outdial.store.call.locked_call import LockedCall
from outdial.store.call.merging import Heard, merge
from outdial.store.call.proving import read_events
from outdial.store.call.settlement import settle_locked, suppress_opted_out
from outdial.store.claims.ceiling import count_placement
from outdial.store.db.dialect import unindexed
from outdial.store.db.tables import call

_CALLS = (
    select(
        call.c.id,
        call.c.provider_call_id,
        call.c.workflow_id,
        call.c.status,
        call.c.is_attempt,
        call.c.settled_at,
    )
    .where(
        unindexed(call.c.tenant) == bindparam("of_tenant"),
        unindexed(call.c.line) == bindparam("of_line"),
    )
    .order_by(call.c.created_at)
)
_BY_ID = _CALLS.where(call.c.id.in_(bindparam("ids", expanding=True)))
_BY_PROVIDER_ID = _CALLS.where(call.c.provider_call_id.in_(bindparam("ids", expanding=True)))
"""One key each: a statement with either of them reads all calls of the tenant on SQLite."""
_INSTANTS = ("ringing_at", "answered_at", "analysed_at")


@dataclass(frozen=True, slots=True)
class Match:
    call_id: str
    workflow_id: str | None
    """None when the call has ended: nobody waits for its events any more."""
    late: bool = False
    """What is reported of it may change what follows for its recipient."""


def provider_key(tenant: str, line: str, provider_call_id: str) -> str:
    """The name under which a provider's id is locked while it is being matched."""
    return f"provider/{tenant}/{line}/{provider_call_id}"


class Matches:
    """Calls of one line, by our id and by the provider's."""

    def __init__(self, s: Session, tenant: str, line: str, events: Iterable[CallEvent]) -> None:
        ids = {e.call_id for e in events if e.call_id is not None}
        provider_ids = {e.provider_call_id for e in events if e.provider_call_id is not None}
        self._by_id: dict[str, Match] = {}
        self._by_provider_id: dict[str, Match] = {}
        if not (ids or provider_ids):
            return
        of_line = {"of_tenant": tenant, "of_line": line}
        for found, keys in ((_BY_ID, ids), (_BY_PROVIDER_ID, provider_ids)):
            if not keys:
                continue
            for row in s.connection().execute(found, of_line | {"ids": sorted(keys)}):
                status = CallStatus(row.status)
                settled = row.settled_at is not None
                late = may_change_what_follows(status, row.is_attempt, settled=settled)
                match = Match(row.id, None if status.terminal else row.workflow_id, late)
                self._by_id[row.id] = match
                if row.provider_call_id is not None:
                    self._by_provider_id[row.provider_call_id] = match

    def of(self, event: CallEvent) -> Match | None:
        """By the id that the provider echoed, else by its own."""
        return self._by_id.get(event.call_id or "") or self._by_provider_id.get(
            event.provider_call_id or ""
        )


def apply_events(
    s: Session, calls: Sequence[LockedCall], now: datetime, rivals: Sequence[LockedCall] = ()
) -> None:
    """Bring calls up to date with all events stored for them; the caller saves the calls.

    `rivals` are calls that may have to be withdrawn for them; the caller saves these, too.

    A status moves forward and never to an end. An analysis settles a call that has ended, and
    what comes after the settlement still counts for cost, records and suppression.
    """
    heard = read_events(s, [locked.id for locked in calls])
    ready: list[LockedCall] = []
    for locked in calls:
        if heard[locked.id] and locked.call.fence is Fence.NOT_PLACED:
            count_placement(s, locked.id)
        merged = _merge_into(locked, heard[locked.id], now)
        if locked.status.terminal and heard[locked.id]:
            take_late_evidence(s, locked, merged, [*calls, *rivals], now)
        if locked.settled:
            suppress_opted_out(s, locked, now)
        elif locked.status.terminal and locked.call.analysed_at is not None:
            ready.append(locked)
    settle_locked(s, ready, now)


def _merge_into(locked: LockedCall, events: Sequence[CallEvent], now: datetime) -> Heard:
    merged = merge(events)
    named = merged.values.get("redial_at")
    if named is not None and named.tzinfo is None:
        merged.values["redial_at"] = named_instant(locked.zones, named)
    _read_disposition(locked, merged.values)
    _bound_instants(locked, merged.values, now)
    changes = locked.call_row.differing(merged.values)
    status = advance(locked.status, merged.status)
    if status is not locked.status:
        changes["status"] = status
    if locked.call.provider_call_id is None and merged.provider_call_id is not None:
        changes["provider_call_id"] = merged.provider_call_id
    if events and locked.call.fence in (Fence.PLACING, Fence.NOT_PLACED):
        # The provider speaks of it, so it has it, whatever the response was or becomes.
        changes |= {"fence": Fence.PLACED, "placed_at": now}
        if locked.call.fence is Fence.NOT_PLACED and not locked.status.terminal:
            changes |= {"failure": None, "detail": None, "retry_after_seconds": None}
    locked.change_call(**changes)
    return merged


def _bound_instants(locked: LockedCall, values: dict[str, Any], now: datetime) -> None:
    """What a provider's clock says, between placement and receipt; the first that was told of one
    thing stays unless an earlier one comes."""
    for name in _INSTANTS:
        if name in values:
            values[name] = locked.instant(values[name], now)
            earlier = getattr(locked.call, name)
            if earlier is not None:
                values[name] = min(values[name], earlier)


def _read_disposition(locked: LockedCall, values: dict[str, Any]) -> None:
    """The agent's word as a slug; what is no word stays among the data that the agent gave."""
    written = values.get("disposition")
    if written is None:
        return
    values["disposition"] = slug = disposition_of(written, locked.plan.dispositions())
    if slug == OTHER:
        structured = values.get("structured", {})
        kept = structured.get("disposition", written)  # providers repeat it among their data
        if isinstance(kept, str):
            values["structured"] = structured | {"disposition": masked_text(kept)}
