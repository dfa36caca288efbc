"""Receipts: one for every dial, each hashed with the one before it in its campaign."""

from datetime import datetime

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlmodel import Field

from outdial.store.db.tables.columns import BigId, Row, UtcDateTime, table_of


class ReceiptRow(Row, table=True):
    __tablename__ = "receipt"
    __table_args__ = (UniqueConstraint("call_id"),)

    campaign_id: int = Field(
        sa_type=BigId, primary_key=True, sa_column_args=(ForeignKey("campaign.id"),)
    )
    sequence: int = Field(primary_key=True)
    """1 for the campaign's first dial, over all launches."""
    call_id: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=UtcDateTime)
    body: str = Field(sa_type=Text)
    """The decision and its evidence as JSON text, exactly as it was hashed."""
    hash: str = Field(sa_type=Text)


receipt = table_of(ReceiptRow)
