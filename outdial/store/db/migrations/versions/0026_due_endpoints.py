"""`endpoint.due_at`: when a worker looks into an endpoint's outbox next. 0026 follows 0025.

Endpoints with something pending are looked at once after the upgrade, which sets their time. The
index for the oldest delivery of a subject begins with the subject.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_DUE = sa.text("state = 'enabled' AND due_at IS NOT NULL")
_PENDING = sa.text("state = 'pending'")
_INDEXES = {
    "ix_endpoint_due": ["due_at", "id"],
    "ix_endpoint_tenant_due": ["tenant", "due_at", "id"],
}


def upgrade() -> None:
    op.add_column("endpoint", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE endpoint SET due_at = updated_at WHERE EXISTS (SELECT 1 FROM delivery"
        " WHERE delivery.endpoint_id = endpoint.id AND delivery.state = 'pending')"
    )
    for name, columns in _INDEXES.items():
        op.create_index(name, "endpoint", columns, postgresql_where=_DUE, sqlite_where=_DUE)
    _index_pending(["subject", "endpoint_id", "id"])


def downgrade() -> None:
    _index_pending(["endpoint_id", "subject", "id"])
    for name in _INDEXES:
        op.drop_index(name, "endpoint")
    # Set aside there was by the time of the one before it; now is early enough.
    op.execute(
        "UPDATE delivery SET next_at = created_at"
        " WHERE state = 'pending' AND next_at >= '9999-01-01'"
    )
    op.drop_column("endpoint", "due_at")


def _index_pending(columns: list[str]) -> None:
    op.drop_index("ix_delivery_pending", "delivery")
    op.create_index(
        "ix_delivery_pending",
        "delivery",
        columns,
        postgresql_where=_PENDING,
        sqlite_where=_PENDING,
    )
