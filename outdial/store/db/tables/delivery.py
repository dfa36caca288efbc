"""Webhooks out: endpoints, the outbox, and the log of what was sent."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from outdial.store.db.tables.columns import BigId, JsonText, Row, UtcDateTime, table_of

_PENDING = text("state = 'pending'")
_DUE = text("state = 'enabled' AND due_at IS NOT NULL")
_LISTED = text("state <> 'removed'")
_OF_CAMPAIGN = text("campaign_id IS NOT NULL")
_DELIVERED = text("delivered_at IS NOT NULL")


class EndpointRow(Row, table=True):
    """A customer's URL that events are delivered to."""

    __tablename__ = "endpoint"
    __table_args__ = (
        *(
            Index(
                f"ix_endpoint_{name}",
                *columns,
                "created_at",
                "id",
                sqlite_where=_LISTED,
                postgresql_where=_LISTED,
            )
            for name, *columns in (
                ("tenant", "tenant"),
                ("scheme", "tenant", "scheme"),
            )
        ),
        Index("ix_endpoint_url", "tenant", "url_key"),
        Index(
            "ix_endpoint_campaign",
            "campaign_id",
            sqlite_where=_OF_CAMPAIGN,
            postgresql_where=_OF_CAMPAIGN,
        ),
        # Every event looks for its endpoints; calls that name URLs of their own may be many.
        Index("ix_endpoint_listening", "tenant", "state", "kind", "campaign_id"),
        Index("ix_endpoint_due", "due_at", "id", sqlite_where=_DUE, postgresql_where=_DUE),
        # Of one tenant; and stepping from one tenant to the next.
        Index(
            "ix_endpoint_tenant_due",
            "tenant",
            "due_at",
            "id",
            sqlite_where=_DUE,
            postgresql_where=_DUE,
        ),
    )

    id: str = Field(sa_type=Text, primary_key=True)
    tenant: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    """`tenant`: everything of the tenant; `campaign`: of one campaign; `call`: of the calls that
    named its URL."""
    campaign_id: int | None = Field(default=None, sa_type=BigId)
    name: str | None = Field(default=None, sa_type=Text)
    url: str = Field(sa_type=Text)
    url_key: str = Field(sa_type=Text, sa_column_kwargs={"server_default": text("''")})
    """A digest of the URL, which may be too long for an index."""
    events: list[str] = Field(sa_type=JsonText)
    """Event types, or `*`."""
    scheme: str = Field(sa_type=Text)
    """How bodies are written and signed."""
    secret: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    reason: str | None = Field(default=None, sa_type=Text)
    """Why it is disabled."""
    failing_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When a worker looks into its outbox next; None: nothing is pending."""
    metadata_: dict[str, Any] = Field(sa_type=JsonText, sa_column_kwargs={"name": "metadata"})
    version: int
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class FormerSecretRow(Row, table=True):
    """A secret of an endpoint that was rotated, and when it ends."""

    __tablename__ = "former_secret"
    __table_args__ = (Index("ix_former_secret_ends", "ends_at"),)

    endpoint_id: str = Field(
        sa_type=Text, primary_key=True, sa_column_args=(ForeignKey("endpoint.id"),)
    )
    secret: str = Field(sa_type=Text, primary_key=True)
    rotated_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime = Field(sa_type=UtcDateTime)


class DeliveryRow(Row, table=True):
    """One event for one endpoint; written by the transaction that it reports."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "event_id"),
        # For lists, each with its filters; one that names no state reads a range of each.
        Index("ix_delivery_state", "tenant", "state", "created_at", "id"),
        Index("ix_delivery_type", "tenant", "type", "state", "created_at", "id"),
        Index("ix_delivery_endpoint", "tenant", "endpoint_id", "state", "created_at", "id"),
        Index("ix_delivery_subject", "tenant", "subject", "created_at", "id"),
        # The oldest of a subject. It begins with another column than the next one, so that no
        # database takes it for what an endpoint has due, and reads all that is set aside.
        Index(
            "ix_delivery_pending",
            "subject",
            "endpoint_id",
            "id",
            sqlite_where=_PENDING,
            postgresql_where=_PENDING,
        ),
        # What an endpoint has due.
        Index(
            "ix_delivery_endpoint_due",
            "endpoint_id",
            "next_at",
            "id",
            sqlite_where=_PENDING,
            postgresql_where=_PENDING,
        ),
        Index(
            "ix_delivery_delivered",
            "delivered_at",
            sqlite_where=_DELIVERED,
            postgresql_where=_DELIVERED,
        ),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    tenant: str = Field(sa_type=Text)
    endpoint_id: str = Field(sa_type=Text, sa_column_args=(ForeignKey("endpoint.id"),))
    event_id: str = Field(sa_type=Text)
    type: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    """What it is about; events of one subject are delivered one after another."""
    payload: str = Field(sa_type=Text)
    """The event as JSON text."""
    state: str = Field(sa_type=Text)
    attempts: int
    next_at: datetime = Field(sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    delivered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_status: int | None = None
    last_error: str | None = Field(default=None, sa_type=Text)


class DeliveryAttemptRow(Row, table=True):
    """One request to an endpoint, and its answer."""

    __tablename__ = "delivery_attempt"
    __table_args__ = (Index("ix_delivery_attempt_delivery", "delivery_id", "id"),)

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    delivery_id: int = Field(sa_type=BigId, sa_column_args=(ForeignKey("delivery.id"),))
    at: datetime = Field(sa_type=UtcDateTime)
    url: str = Field(sa_type=Text)
    request_headers: dict[str, str] = Field(sa_type=JsonText)
    request_body: str = Field(sa_type=Text)
    status: int | None = None
    response_body: str | None = Field(default=None, sa_type=Text)
    """Its first part."""
    error: str | None = Field(default=None, sa_type=Text)
    duration_ms: int


endpoint = table_of(EndpointRow)
former_secret = table_of(FormerSecretRow)
delivery = table_of(DeliveryRow)
delivery_attempt = table_of(DeliveryAttemptRow)

is_listed = text("endpoint.state <> 'removed'")
"""Written as the indexes have it: a parameter would keep the database from using them."""
