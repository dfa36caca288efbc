"""Earlier calls to numbers, whichever campaign made them: what a rehearsal starts from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, select
from sqlmodel import Session

from outdial.store.db.bulk import among
from outdial.store.db.tables import call

_STEP = 500
_ATTEMPTS = (
    select(call.c.phone, func.coalesce(call.c.fenced_at, call.c.created_at).label("at"))
    .where(
        call.c.tenant == bindparam("of_tenant"),
        among(call.c.phone, "phones"),
        call.c.created_at > bindparam("since"),
        call.c.is_attempt,
    )
    .order_by("at")
)
_PLACED = (
    select(call.c.phone, call.c.left_at.label("at"))
    .where(
        call.c.left_at.is_not(None),
        among(call.c.phone, "phones"),
        call.c.left_at > bindparam("since"),
    )
    .order_by("at")
)


Times = dict[str, tuple[datetime, ...]]
"""By number, oldest first; numbers without any are left out."""


def earlier_attempts(s: Session, tenant: str, numbers: Sequence[str], since: datetime) -> Times:
    """When each number was called for the tenant, by calls that were claimed after `since`."""
    return _times(s, _ATTEMPTS, numbers, of_tenant=tenant, since=since)


def earlier_placements(s: Session, numbers: Sequence[str], since: datetime) -> Times:
    """When requests for each number left, for any tenant: what the daily ceiling counts."""
    return _times(s, _PLACED, numbers, since=since)


def _times(s: Session, statement: Select[Any], numbers: Sequence[str], **values: Any) -> Times:
    times: dict[str, list[datetime]] = defaultdict(list)
    for start in range(0, len(numbers), _STEP):
        step = {"phones": list(numbers[start : start + _STEP]), **values}
        for phone, at in s.connection().execute(statement, step):
            times[phone].append(at)
    return {phone: tuple(of_phone) for phone, of_phone in times.items()}
