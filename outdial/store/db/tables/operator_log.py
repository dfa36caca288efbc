"""The operator log: what people did, each entry hashed with the one before it of its tenant."""

from sqlalchemy import Index, Text
from sqlmodel import Field

from outdial.store.db.tables.columns import Row, table_of


class OperatorLogRow(Row, table=True):
    __tablename__ = "operator_log"
    __table_args__ = (Index("ix_operator_log_subject", "tenant", "subject", "sequence"),)

    tenant: str = Field(sa_type=Text, primary_key=True)
    sequence: int = Field(primary_key=True)
    """1 for the tenant's first entry."""
    subject: str = Field(sa_type=Text)
    """What was changed, such as `campaign/spring`; in the body too."""
    body: str = Field(sa_type=Text)
    """Who did what, when and why as JSON text, exactly as it was hashed."""
    hash: str = Field(sa_type=Text)


operator_log = table_of(OperatorLogRow)
