"""Lines: what the claim locks, and the tokens of their calls per second."""

from datetime import datetime

from sqlalchemy import BigInteger, Text
from sqlmodel import Field

from store.tables.columns import Row, UtcDateTime, table_of


class LineRow(Row, table=True):
    __tablename__ = "line"

    tenant: str = Field(sa_type=Text, primary_key=True)
    name: str = Field(sa_type=Text, primary_key=True)
    provider: str = Field(sa_type=Text)
    max_concurrent: int
    per_second: int
    held_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    held_because: str | None = Field(default=None, sa_type=Text)


class LineRateRow(Row, table=True):
    """Calls let through in one second; apart from the line, which a claim holds locked."""

    __tablename__ = "line_rate"

    tenant: str = Field(sa_type=Text, primary_key=True)
    name: str = Field(sa_type=Text, primary_key=True)
    second: int = Field(default=0, sa_type=BigInteger)
    """Seconds since 1970 (UTC)."""
    used: int = 0


line = table_of(LineRow)
line_rate = table_of(LineRateRow)
