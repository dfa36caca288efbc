"""What a tenant keeps for its calls: contacts, agents and phone numbers."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Text, UniqueConstraint
from sqlmodel import Field

from outdial.store.db.tables.columns import JsonText, Row, UtcDateTime, table_of


class ContactRow(Row, table=True):
    """A person with a telephone; a tenant has a number once."""

    __tablename__ = "contact"
    __table_args__ = (
        UniqueConstraint("tenant", "phone"),
        Index("ix_contact_tenant", "tenant", "created_at", "id"),
    )

    id: str = Field(sa_type=Text, primary_key=True)
    tenant: str = Field(sa_type=Text)
    phone: str = Field(sa_type=Text)
    first_name: str | None = Field(default=None, sa_type=Text)
    last_name: str | None = Field(default=None, sa_type=Text)
    email: str | None = Field(default=None, sa_type=Text)
    company: str | None = Field(default=None, sa_type=Text)
    notes: str | None = Field(default=None, sa_type=Text)
    time_zone: str | None = Field(default=None, sa_type=Text)
    tags: list[str] = Field(sa_type=JsonText)
    metadata_: dict[str, Any] = Field(sa_type=JsonText, sa_column_kwargs={"name": "metadata"})
    version: int
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class AgentRow(Row, table=True):
    """Who speaks, under a name of the tenant's own."""

    __tablename__ = "agent"
    __table_args__ = (Index("ix_agent_tenant", "tenant", "created_at", "id"),)

    tenant: str = Field(sa_type=Text, primary_key=True)
    id: str = Field(sa_type=Text, primary_key=True)
    name: str = Field(sa_type=Text)
    line: str | None = Field(default=None, sa_type=Text)
    remote_id: str = Field(sa_type=Text)
    """The agent's id at the line's provider."""
    settings: dict[str, Any] = Field(sa_type=JsonText)
    metadata_: dict[str, Any] = Field(sa_type=JsonText, sa_column_kwargs={"name": "metadata"})
    is_active: bool
    is_default: bool
    """Speaks where a request names nobody."""
    version: int
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class PhoneNumberRow(Row, table=True):
    """A number that calls may show."""

    __tablename__ = "phone_number"
    __table_args__ = (
        UniqueConstraint("tenant", "phone"),
        Index("ix_phone_number_tenant", "tenant", "created_at", "id"),
    )

    id: str = Field(sa_type=Text, primary_key=True)
    tenant: str = Field(sa_type=Text)
    phone: str = Field(sa_type=Text)
    label: str | None = Field(default=None, sa_type=Text)
    line: str | None = Field(default=None, sa_type=Text)
    agent_id: str | None = Field(default=None, sa_type=Text)
    is_active: bool
    metadata_: dict[str, Any] = Field(sa_type=JsonText, sa_column_kwargs={"name": "metadata"})
    version: int
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


contact = table_of(ContactRow)
agent = table_of(AgentRow)
phone_number = table_of(PhoneNumberRow)
