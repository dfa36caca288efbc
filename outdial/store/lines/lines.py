"""Lines: their limits, as claims and fences read them, and whether they take calls."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import RowMapping, func, select, update
from sqlmodel import Session

from outdial.domain.line.breaker import BreakerPolicy, Health, LineFailure
from outdial.domain.line.rate import rate_of
from outdial.domain.money.price import LinePrice
from outdial.store.db.dialect import insert_into
from outdial.store.db.tables import lease, line, line_rate
from outdial.store.lines.health import health_of, last_failures

_NO_PRICE = LinePrice(currency="")


class LineLimits(BaseModel):
    """What an account at a provider can take."""

    model_config = ConfigDict(frozen=True)

    name: str
    provider: str
    max_concurrent: int = Field(ge=1)
    per_second: float = Field(gt=0)
    """Calls that may be placed in a second: whole ones from 1 on, below as one in so many."""
    breaker: BreakerPolicy = BreakerPolicy()
    price: LinePrice | None = None


class LineStatus(BaseModel):
    """A line as it stands."""

    model_config = ConfigDict(frozen=True)

    name: str
    provider: str
    max_concurrent: int
    per_second: float
    in_flight: int
    """Leases on the line, of all campaigns."""
    held_until: datetime | None = None
    held_reason: str | None = None
    health: Health
    failures: tuple[LineFailure, ...] = ()
    """The last ones, newest first."""


def ensure_lines(s: Session, tenant: str, lines: Sequence[LineLimits]) -> None:
    """Create lines or give them new limits; holds and circuits stay, and so do other lines."""
    for limits in sorted(lines, key=lambda limits: limits.name):
        calls, seconds = rate_of(limits.per_second)
        price = limits.price or _NO_PRICE
        values = {
            "provider": limits.provider,
            "max_concurrent": limits.max_concurrent,
            "per_second": calls,
            "rate_seconds": seconds,
            "breaker": limits.breaker.model_dump_json(),
            "currency": price.currency or None,
            "cost_per_minute": price.per_minute,
            "cost_per_call": price.per_call,
            "billing_increment": price.increment,
        }
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


def line_price(row: RowMapping) -> LinePrice | None:
    """The price in the row of a line, or in a hold that was made by it."""
    if row["currency"] is None:
        return None
    per_minute, per_call = row["cost_per_minute"], row["cost_per_call"]
    return LinePrice(row["currency"], per_minute, per_call, row["billing_increment"])


def line_names(s: Session, tenant: str) -> tuple[str, ...]:
    statement = select(line.c.name).where(line.c.tenant == tenant).order_by(line.c.name)
    return tuple(s.connection().execute(statement).scalars())


def hold_line(
    s: Session, tenant: str, line_name: str, until: datetime | None, reason: str | None
) -> None:
    """Claim nothing for a line until an instant; None lets it go again."""
    s.connection().execute(
        update(line)
        .where(line.c.tenant == tenant, line.c.name == line_name)
        .values(held_until=until, held_reason=reason)
    )


def line_status(s: Session, tenant: str, line_name: str) -> LineStatus | None:
    return next((one for one in list_lines(s, tenant) if one.name == line_name), None)


def list_lines(s: Session, tenant: str) -> list[LineStatus]:
    """Every line that was ever announced, by name."""
    in_flight = (
        select(func.count())
        .where(lease.c.tenant == line.c.tenant, lease.c.line == line.c.name)
        .scalar_subquery()
    )
    statement = (
        select(line, in_flight.label("in_flight"))
        .where(line.c.tenant == tenant)
        .order_by(line.c.name)
    )
    return [_status(s, row) for row in s.connection().execute(statement).mappings()]


def _status(s: Session, row: RowMapping) -> LineStatus:
    return LineStatus(
        name=row["name"],
        provider=row["provider"],
        max_concurrent=row["max_concurrent"],
        per_second=row["per_second"] / row["rate_seconds"],
        in_flight=row["in_flight"],
        held_until=row["held_until"],
        held_reason=row["held_reason"],
        health=health_of(row),
        failures=last_failures(s, row["tenant"], row["name"]),
    )
