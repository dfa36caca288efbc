"""Who may use the API and the console: keys, what they have used of their limits, sessions, and
answers given before."""

from datetime import datetime

from sqlalchemy import Index, Text, true
from sqlmodel import Field

from outdial.store.db.tables.columns import JsonText, Row, UtcDateTime, table_of


class ApiKeyRow(Row, table=True):
    """A key of a tenant. Only a digest of its secret is stored."""

    __tablename__ = "api_key"
    __table_args__ = (Index("ix_api_key_tenant", "tenant", "id"),)

    id: str = Field(sa_type=Text, primary_key=True)
    """Part of the key itself, so that it is found without trying digests."""
    tenant: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    digest: str = Field(sa_type=Text)
    previous_digest: str | None = Field(default=None, sa_type=Text)
    """Of the secret before the last rotation; good until `previous_until`."""
    previous_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    scopes: list[str] = Field(sa_type=JsonText)
    enabled: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """To the minute: not every request writes it."""
    calls_per_day: int | None = None
    """How many calls it may request; without, the installation's number."""


class RateCountRow(Row, table=True):
    """Requests within one window of a limit; a window begins with its first request."""

    __tablename__ = "rate_count"
    __table_args__ = (Index("ix_rate_count_started_at", "started_at"),)

    name: str = Field(sa_type=Text, primary_key=True)
    started_at: datetime = Field(sa_type=UtcDateTime)
    used: int


class IdempotencyRow(Row, table=True):
    """A request that carried an Idempotency-Key, and what it was answered."""

    __tablename__ = "idempotency"
    __table_args__ = (Index("ix_idempotency_created_at", "created_at"),)

    tenant: str = Field(sa_type=Text, primary_key=True)
    key: str = Field(sa_type=Text, primary_key=True)
    operation: str = Field(sa_type=Text)
    digest: str = Field(sa_type=Text)
    """Of the body."""
    status: int | None = None
    """None while it is being carried out."""
    answer: str | None = Field(default=None, sa_type=Text)
    """The body of the answer as JSON text."""
    created_at: datetime = Field(sa_type=UtcDateTime)


class ConsoleSessionRow(Row, table=True):
    """A sign-in to the console by a key. Only a digest of its token is stored."""

    __tablename__ = "console_session"
    __table_args__ = (Index("ix_console_session_expires_at", "expires_at"),)

    digest: str = Field(sa_type=Text, primary_key=True)
    key_id: str = Field(sa_type=Text)
    key_digest: str = Field(sa_type=Text)
    """Of the key's secret when it was signed in with: the session ends with that secret."""
    expires_at: datetime = Field(sa_type=UtcDateTime)


class SignInLinkRow(Row, table=True):
    """A link that signs in to the console, once. Only a digest of its token is stored."""

    __tablename__ = "sign_in_link"
    __table_args__ = (Index("ix_sign_in_link_expires_at", "expires_at"),)

    digest: str = Field(sa_type=Text, primary_key=True)
    tenant: str = Field(sa_type=Text)
    expires_at: datetime = Field(sa_type=UtcDateTime)


api_key = table_of(ApiKeyRow)
rate_count = table_of(RateCountRow)
console_session = table_of(ConsoleSessionRow)
sign_in_link = table_of(SignInLinkRow)
idempotency = table_of(IdempotencyRow)
