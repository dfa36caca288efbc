"""Lines: their limits, as claims and fences read them, and whether they are held."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select, update
from sqlmodel import Session

from store.dialect import insert_into
from store.tables import lease, line, line_rate


class LineLimits(BaseModel):
    """What an account at a provider can take."""

    model_config = ConfigDict(frozen=True)

    name: str
    provider: str
    max_concurrent: int = Field(ge=1)
    per_second: int = Field(ge=1)
    """Calls that may be placed within one second of the clock."""


class LineStatus(LineLimits):
    in_flight: int
    """Leases on the line, of all campaigns."""
    held_until: datetime | None = None
    held_because: str | None = None


def ensure_lines(s: Session, tenant: str, lines: Sequence[LineLimits]) -> None:
    """Create lines or give them new limits; a hold stays, and so do lines not named here."""
    for limits in sorted(lines, key=lambda limits: limits.name):
        values = limits.model_dump(exclude={"name"})
        s.connection().execute(
            insert_into(s, line)
            .values(tenant=tenant, name=limits.name, **values)
            .on_conflict_do_update(index_elements=["tenant", "name"], set_=values)
        )
        s.connection().execute(
            insert_into(s, line_rate)
            .values(tenant=tenant, name=limits.name, second=0, used=0)
            .on_conflict_do_nothing()
        )


def line_names(s: Session, tenant: str) -> tuple[str, ...]:
    found = select(line.c.name).where(line.c.tenant == tenant).order_by(line.c.name)
    return tuple(s.connection().execute(found).scalars())


def hold_line(
    s: Session, tenant: str, line_name: str, until: datetime | None, because: str | None
) -> None:
    """Claim nothing for a line until an instant; None lets it go again."""
    s.connection().execute(
        update(line)
        .where(line.c.tenant == tenant, line.c.name == line_name)
        .values(held_until=until, held_because=because)
    )


def line_status(s: Session, tenant: str, line_name: str) -> LineStatus | None:
    in_flight = (
        select(func.count())
        .where(lease.c.tenant == line.c.tenant, lease.c.line == line.c.name)
        .scalar_subquery()
    )
    found = select(line, in_flight.label("in_flight")).where(
        line.c.tenant == tenant, line.c.name == line_name
    )
    row = s.connection().execute(found).mappings().first()
    return None if row is None else LineStatus(**{k: row[k] for k in LineStatus.model_fields})
