"""Which calls a line's events are about: by our id, where the provider echoes it, or by its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from sqlalchemy import bindparam, select
from sqlmodel import Session

from outdial.domain.call.event import CallEvent
from outdial.domain.call.status import CallStatus
from outdial.store.call.late_evidence import may_change_what_follows
from outdial.store.db.dialect import unindexed
from outdial.store.db.lookups import Lookup
from outdial.store.db.tables import call

_CALLS = select(
    call.c.id,
    call.c.provider_call_id,
    call.c.workflow_id,
    call.c.status,
    call.c.is_attempt,
    call.c.settled_at,
    call.c.created_at,
).where(
    unindexed(call.c.tenant) == bindparam("of_tenant"),
    unindexed(call.c.line) == bindparam("of_line"),
)
_BY_ID = Lookup(_CALLS, call.c.id, "ids")
_BY_PROVIDER_ID = Lookup(_CALLS, call.c.provider_call_id, "ids")
"""One key each: a statement with either of them reads all calls of the tenant on SQLite."""


@dataclass(frozen=True, slots=True)
class Match:
    call_id: str
    workflow_id: str | None
    """None when the call has ended: no workflow waits for its events any more."""
    late: bool = False
    """What is reported of it may change what follows for its recipient."""


def provider_key(tenant: str, line: str, provider_call_id: str) -> str:
    """The name under which a provider's id is locked while it is being matched."""
    return f"provider/{tenant}/{line}/{provider_call_id}"


class Matches:
    """Calls of one line, by our id and by the provider's."""

    def __init__(self, s: Session, tenant: str, line: str, events: Sequence[CallEvent]) -> None:
        self._by_id: dict[str, Match] = {}
        self._by_provider_id: dict[str, Match] = {}
        of_line = {"of_tenant": tenant, "of_line": line}
        ids = {e.call_id for e in events if e.call_id is not None}
        self._read(s, _BY_ID, of_line, ids)
        # Most providers echo our id: the second look-up is for the events of those that don't.
        others = {
            e.provider_call_id
            for e in events
            if e.provider_call_id is not None and (e.call_id or "") not in self._by_id
        }
        self._read(s, _BY_PROVIDER_ID, of_line, others)
        for each in events:  # one of them may introduce the provider's id that others name alone
            named = self._by_id.get(each.call_id or "")
            if named is not None and each.provider_call_id is not None:
                self._by_provider_id.setdefault(each.provider_call_id, named)

    def _read(self, s: Session, calls: Lookup, of_line: dict[str, str], ids: set[str]) -> None:
        if not ids:
            return
        rows = calls.execute(s, {**of_line, "ids": sorted(ids)})
        for row in sorted(rows, key=attrgetter("created_at")):
            status = CallStatus(row.status)
            settled = row.settled_at is not None
            late = may_change_what_follows(status, row.is_attempt, settled=settled)
            match = Match(row.id, None if status.terminal else row.workflow_id, late)
            self._by_id[row.id] = match
            if row.provider_call_id is not None:
                self._by_provider_id[row.provider_call_id] = match

    def of(self, event: CallEvent) -> Match | None:
        """Match by our call id if the provider echoed it, else by the provider's id."""
        return self._by_id.get(event.call_id or "") or self._by_provider_id.get(
            event.provider_call_id or ""
        )
