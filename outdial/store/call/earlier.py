"""Earlier calls to numbers, whichever campaign made them: what a rehearsal starts from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, select
from sqlmodel import Session

from outdial.store.db.bulk import among
from outdial.store.db.tables import call

_STEP = 500
_ATTEMPTS = (
    select(call.c.phone, func.coalesce(call.c.fenced_at, call.c.created_at).label("at"))
    .where(
        call.c.tenant == bindparam("of_tenant"),
        among(call.c.phone, "phones"),
        call.c.is_attempt,
    )
    .order_by("at")
)


def earlier_attempts(
    s: Session, tenant: str, numbers: Sequence[str]
) -> dict[str, tuple[datetime, ...]]:
    """When each number was called, oldest first; those that never were are left out."""
    times: dict[str, list[datetime]] = defaultdict(list)
    for start in range(0, len(numbers), _STEP):
        step = {"of_tenant": tenant, "phones": list(numbers[start : start + _STEP])}
        for phone, at in s.connection().execute(_ATTEMPTS, step):
            times[phone].append(at)
    return {phone: tuple(of_phone) for phone, of_phone in times.items()}
