"""The ledger: attempts to recipients' numbers, over all campaigns of a tenant.

A call counts from its end on, by the instant at which it may have left. One that is under way
needs no counting: no other call to any number of that person starts meanwhile.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select
from sqlmodel import Session

from outdial.domain.decision.ceiling import Ceiling
from outdial.domain.decision.decision import Ledger
from outdial.domain.numbers.phone import siblings, subscriber
from outdial.store.claims.ceiling import read_ceilings
from outdial.store.db.lookups import Lookup
from outdial.store.db.tables import EPOCH, call

_DIALED_AT = func.coalesce(call.c.fenced_at, call.c.created_at)
_ATTEMPTS = Lookup(
    select(call.c.phone, _DIALED_AT.label("at")).where(
        call.c.tenant == bindparam("of_tenant"),
        call.c.created_at > bindparam("since"),
        call.c.is_attempt,
    ),
    call.c.phone,
    "phones",
)
_LONGEST_CALL = timedelta(days=1)
"""Between a call's claim, by which it is found, and its dialing, by which it counts."""


@dataclass(frozen=True, slots=True)
class LedgerQuery:
    """Whose ledger a decision needs, and how far back."""

    phone: str
    others: tuple[str, ...]
    looks_back: timedelta | None
    lines: tuple[str, ...] = ()
    """Those that may dial the number."""


def read_ledgers(
    s: Session, tenant: str, queries: Sequence[LedgerQuery], now: datetime
) -> list[Ledger]:
    """One for each query, in their order: by one statement when one of them needs earlier attempts,
    and one for the daily ceiling."""
    lines = {each.phone: each.lines for each in queries if each.lines}
    ceilings = read_ceilings(s, tenant, lines, now)
    needed = [each for each in queries if each.looks_back is None or each.looks_back > timedelta(0)]
    attempts: dict[str, list[datetime]] = defaultdict(list)
    if needed:
        spans = [each.looks_back for each in needed]
        furthest = None if None in spans else max(span for span in spans if span is not None)
        since = counts_since(furthest, now)
        numbers = {number for each in needed for number in (each.phone, *each.others)}
        phones = sorted({text for number in numbers for text in siblings(number)})
        values = {"of_tenant": tenant, "phones": phones, "since": since}
        for phone, at in _ATTEMPTS.execute(s, values):
            attempts[subscriber(phone)].append(at)
    return [_ledger(each, attempts, ceilings.get(each.phone)) for each in queries]


def counts_since(looks_back: timedelta | None, now: datetime) -> datetime:
    """Calls that were claimed before then don't count for a limit that looks back so far; None:
    it looks back to the beginning."""
    return EPOCH if looks_back is None else now - looks_back - _LONGEST_CALL


def _ledger(
    query: LedgerQuery, attempts: dict[str, list[datetime]], ceiling: Ceiling | None
) -> Ledger:
    to_number = tuple(sorted(attempts.get(subscriber(query.phone), ())))
    if not query.others:
        return Ledger(to_number, ceiling=ceiling)
    subscribers = {subscriber(number) for number in (query.phone, *query.others)}
    everything = [at for one in subscribers for at in attempts.get(one, ())]
    return Ledger(tuple(sorted(everything)), to_number, ceiling)
