"""Numbers that must not be called, and how they came to be listed."""

from datetime import datetime

from sqlalchemy import Index, Text
from sqlmodel import Field

from outdial.store.db.tables.columns import BigId, Row, UtcDateTime, table_of


class SuppressionRow(Row, table=True):
    """A number that must not be called now; `*` as its tenant holds for all of them."""

    __tablename__ = "suppression"

    tenant: str = Field(sa_type=Text, primary_key=True)
    phone: str = Field(sa_type=Text, primary_key=True)
    reason: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=UtcDateTime)


class SuppressionChangeRow(Row, table=True):
    """Every listing and lifting; never changed, never deleted."""

    __tablename__ = "suppression_change"
    __table_args__ = (Index("ix_suppression_change_phone", "phone", "tenant", "id"),)

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    tenant: str = Field(sa_type=Text)
    phone: str = Field(sa_type=Text)
    change: str = Field(sa_type=Text)
    """`listed` or `lifted`."""
    reason: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=UtcDateTime)


suppression = table_of(SuppressionRow)
suppression_change = table_of(SuppressionChangeRow)
