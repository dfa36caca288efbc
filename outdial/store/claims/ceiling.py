"""Daily ceiling: counts placement requests by number, over all tenants.

A placement counts once it has passed the fence, unless the provider answered that nothing was
dialed. Lines of the simulated network are exempt and cost no query.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, exists, func, select, update
from sqlmodel import Session

from outdial.domain.decision.ceiling import DAILY_CEILING, WITHIN, Ceiling
from outdial.domain.line.routing import SIMULATED
from outdial.domain.numbers.phone import siblings, subscriber
from outdial.store.db.dialect import lock_keys
from outdial.store.db.lookups import Lookup
from outdial.store.db.tables import call, line
from outdial.store.lines.kinds import simulated_among

SETTING = "daily_ceiling"
"""Key of `Session.info` that holds the installation's setting."""

_LEFT = Lookup(
    select(call.c.phone, call.c.left_at).where(
        call.c.left_at.is_not(None), call.c.left_at > bindparam("since")
    ),
    call.c.phone,
    "phones",
)
_COUNT = update(call).where(
    call.c.id == bindparam("call_id"),
    call.c.left_at.is_(None),
    ~exists().where(
        line.c.tenant == call.c.tenant, line.c.name == call.c.line, line.c.provider == SIMULATED
    ),
)


def ceiling_of(s: Session) -> int:
    """The installation's ceiling; 0 when there is none."""
    return int(s.info.get(SETTING, DAILY_CEILING))


def lock_number(s: Session, phone: str) -> None:
    """Serialize the fences of all tenants for one number, until the transaction ends."""
    if ceiling_of(s):
        lock_keys(s, [f"ceiling/{subscriber(phone)}"])


def read_ceilings(
    s: Session, tenant: str, lines: Mapping[str, Sequence[str]], now: datetime
) -> dict[str, Ceiling]:
    """The ceilings of the numbers that have reached it; `lines` may dial them, by number."""
    most = ceiling_of(s)
    if not most or not lines:
        return {}
    left: dict[str, list[datetime]] = defaultdict(list)
    forms = sorted({form for phone in lines for form in siblings(phone)})
    values = {"phones": forms, "since": now - WITHIN}
    for phone, at in _LEFT.execute(s, values):
        left[subscriber(phone)].append(at)
    of_phone = {phone: sorted(left[subscriber(phone)]) for phone in lines if left}
    reached = {phone: tuple(times) for phone, times in of_phone.items() if len(times) >= most}
    if not reached:
        return {}
    names = sorted({name for phone in reached for name in lines[phone]})
    simulated = simulated_among(s, tenant, names)
    return {
        phone: Ceiling(most, times)
        for phone, times in reached.items()
        if not simulated.issuperset(lines[phone])
    }


def count_placement(s: Session, call_id: str) -> None:
    """Count a placement after all: the provider denied the call, and then reported it."""
    when = func.coalesce(call.c.fenced_at, call.c.created_at)
    s.connection().execute(_COUNT.values(left_at=when), {"call_id": call_id})
