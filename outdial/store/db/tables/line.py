"""Lines: what the claim locks, their health, and the tokens of their calls per second."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Text, text
from sqlmodel import Field

from outdial.store.db.tables.columns import BigId, Row, UtcDateTime, table_of


class LineRow(Row, table=True):
    __tablename__ = "line"

    tenant: str = Field(sa_type=Text, primary_key=True)
    name: str = Field(sa_type=Text, primary_key=True)
    provider: str = Field(sa_type=Text)
    max_concurrent: int
    per_second: int
    """Calls that may start within `rate_seconds`."""
    rate_seconds: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})
    held_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    held_reason: str | None = Field(default=None, sa_type=Text)
    breaker: str = Field(
        default="{}", sa_type=Text, sa_column_kwargs={"server_default": text("'{}'")}
    )
    """A BreakerPolicy as JSON text."""
    circuit: str = Field(
        default="closed", sa_type=Text, sa_column_kwargs={"server_default": text("'closed'")}
    )
    circuit_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    circuit_reason: str | None = Field(default=None, sa_type=Text)
    retry_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    trial_call_id: str | None = Field(default=None, sa_type=Text)
    openings: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    currency: str | None = Field(default=None, sa_type=Text)
    """None: it has no prices."""
    cost_per_minute: int = Field(
        default=0, sa_type=BigId, sa_column_kwargs={"server_default": text("0")}
    )
    """In millionths of the currency, as is `cost_per_call`."""
    cost_per_call: int = Field(
        default=0, sa_type=BigId, sa_column_kwargs={"server_default": text("0")}
    )
    billing_increment: int = Field(default=60, sa_column_kwargs={"server_default": text("60")})
    """Seconds."""


class LineRateRow(Row, table=True):
    """Calls let through in one second; apart from the line, which a claim holds locked."""

    __tablename__ = "line_rate"

    tenant: str = Field(sa_type=Text, primary_key=True)
    name: str = Field(sa_type=Text, primary_key=True)
    second: int = Field(default=0, sa_type=BigInteger)
    """Seconds since 1970 (UTC)."""
    used: int = 0


class LineDemandRow(Row, table=True):
    """A campaign with recipients ready that a line has no slot for; written by its claims."""

    __tablename__ = "line_demand"
    __table_args__ = (Index("ix_line_demand_line", "tenant", "line"),)

    campaign_id: int = Field(
        sa_type=BigId, primary_key=True, sa_column_args=(ForeignKey("campaign.id"),)
    )
    line: str = Field(sa_type=Text, primary_key=True)
    tenant: str = Field(sa_type=Text)
    wants: int
    """Slots that it can use now, those that it holds included."""
    weight: int
    since: datetime = Field(sa_type=UtcDateTime)
    """When it got a slot last, or began to wait for one."""
    expires_at: datetime = Field(sa_type=UtcDateTime)
    """When the last of those who are ready can't be called any more."""
    offered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When its workflow was woken for a slot that is kept for it; none since its last claim."""


class LineFailureRow(Row, table=True):
    """A call that its line failed: evidence for the breaker, and for people."""

    __tablename__ = "line_failure"
    __table_args__ = (Index("ix_line_failure_line", "tenant", "line", "at"),)

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    tenant: str = Field(sa_type=Text)
    line: str = Field(sa_type=Text)
    call_id: str = Field(sa_type=Text, unique=True)
    at: datetime = Field(sa_type=UtcDateTime)
    failure: str = Field(sa_type=Text)
    detail: str | None = Field(default=None, sa_type=Text)


line = table_of(LineRow)
line_rate = table_of(LineRateRow)
line_demand = table_of(LineDemandRow)
line_failure = table_of(LineFailureRow)
