"""Numbers that must not be called."""

from datetime import datetime

from sqlalchemy import Text
from sqlmodel import Field

from store.tables.columns import Row, UtcDateTime, table_of


class SuppressionRow(Row, table=True):
    __tablename__ = "suppression"

    tenant: str = Field(sa_type=Text, primary_key=True)
    phone: str = Field(sa_type=Text, primary_key=True)
    reason: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=UtcDateTime)


suppression = table_of(SuppressionRow)
