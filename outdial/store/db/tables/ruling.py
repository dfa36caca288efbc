"""What a tenant adds to the rules that ship: rules of its own, and blocked jurisdictions."""

from datetime import datetime

from sqlalchemy import Index, Text, text
from sqlmodel import Field

from outdial.store.db.tables.columns import BigId, Row, UtcDateTime, table_of

_IN_FORCE = text("ended_at IS NULL")


class RulingRow(Row, table=True):
    """One rule or block; it is ended, never deleted."""

    __tablename__ = "ruling"
    __table_args__ = (
        Index(
            "ix_ruling_in_force",
            "tenant",
            sqlite_where=_IN_FORCE,
            postgresql_where=_IN_FORCE,
        ),
    )

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    tenant: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    """`rule` or `block`."""
    name: str = Field(sa_type=Text)
    """The rule's id, or the jurisdiction that is blocked."""
    body: str = Field(sa_type=Text)
    """A Rule or a Block as JSON text."""
    until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """A block's end."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


ruling = table_of(RulingRow)
