"""Indexes for look-ups and lists that read all rows of a tenant or a table. 0030 follows 0029.

`endpoint.url_key` is a digest of the URL, by which the endpoint of a call's URL is found.
`callback_entry` repeats its run's campaign and time, by which runs are listed.
"""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_LISTED = "state <> 'removed'"
_NEW: tuple[tuple[str, str, list[str], str | None], ...] = (
    ("ix_api_key_tenant", "api_key", ["tenant", "id"], None),
    ("ix_appointment_change_call", "appointment_change", ["call_id"], "call_id IS NOT NULL"),
    (
        "ix_appointment_calendar",
        "appointment",
        ["tenant", "calendar", "status", "starts_at", "id"],
        None,
    ),
    ("ix_appointment_phone", "appointment", ["tenant", "phone", "starts_at", "id"], None),
    ("ix_appointment_status", "appointment", ["tenant", "status", "starts_at", "id"], None),
    (
        "ix_delivery_endpoint",
        "delivery",
        ["tenant", "endpoint_id", "state", "created_at", "id"],
        None,
    ),
    ("ix_delivery_state", "delivery", ["tenant", "state", "created_at", "id"], None),
    ("ix_delivery_subject", "delivery", ["tenant", "subject", "created_at", "id"], None),
    ("ix_delivery_type", "delivery", ["tenant", "type", "state", "created_at", "id"], None),
    ("ix_appointment_ends", "appointment", ["tenant", "calendar", "ends_at"], None),
    ("ix_call_settle_by", "call", ["settle_by"], "settled_at IS NULL AND settle_by IS NOT NULL"),
    (
        "ix_callback_entry_state",
        "callback_entry",
        ["campaign_id", "state", "created_at", "call_id"],
        None,
    ),
    ("ix_callback_run_campaign", "callback_run", ["campaign_id", "created_at", "call_id"], None),
    ("ix_campaign_direct", "campaign", ["id"], "direct"),
    ("ix_campaign_open", "campaign", ["id"], "state NOT IN ('stopped', 'finished')"),
    ("ix_campaign_tenant", "campaign", ["tenant", "id"], None),
    ("ix_campaign_tenant_state", "campaign", ["tenant", "state", "id"], None),
    ("ix_endpoint_campaign", "endpoint", ["campaign_id"], "campaign_id IS NOT NULL"),
    ("ix_endpoint_scheme", "endpoint", ["tenant", "scheme", "created_at", "id"], _LISTED),
    ("ix_endpoint_tenant", "endpoint", ["tenant", "created_at", "id"], _LISTED),
    ("ix_endpoint_url", "endpoint", ["tenant", "url_key"], None),
)
_OLD = {
    "ix_api_key_tenant": ("api_key", ["tenant", "created_at"]),
    "ix_appointment_phone": ("appointment", ["tenant", "calendar", "phone", "starts_at"]),
    "ix_appointment_starts": ("appointment", ["tenant", "calendar", "starts_at"]),
    "ix_appointment_tenant": ("appointment", ["tenant", "starts_at", "id"]),
    "ix_callback_run_campaign": ("callback_run", ["campaign_id", "state"]),
    "ix_delivery_tenant": ("delivery", ["tenant", "id"]),
    "ix_campaign_tenant_state": ("campaign", ["tenant", "state"]),
    "ix_endpoint_tenant": ("endpoint", ["tenant", "created_at", "id"]),
}
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("endpoint", sa.Column("url_key", sa.Text(), nullable=False, server_default=""))
    _digest_urls()
    _copy_runs()
    for name, (table, _) in _OLD.items():
        op.drop_index(name, table)
    for name, table, columns, where in _NEW:
        _create(name, table, columns, where)


def downgrade() -> None:
    for name, table, _, _ in _NEW:
        op.drop_index(name, table)
    for name, (table, columns) in _OLD.items():
        _create(name, table, columns, None)
    for table, column in (
        ("endpoint", "url_key"), ("callback_entry", "campaign_id"), ("callback_entry", "created_at")
    ):  # fmt: skip
        op.drop_column(table, column)


def _create(name: str, table: str, columns: list[str], where: str | None) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


def _digest_urls() -> None:
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT id, url FROM endpoint")).all()
    keys = [{"id": id, "key": hashlib.sha256(url.encode()).hexdigest()} for id, url in rows]
    if keys:
        connection.execute(sa.text("UPDATE endpoint SET url_key = :key WHERE id = :id"), keys)


def _copy_runs() -> None:
    columns = (
        sa.Column("campaign_id", _BIG, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True),
    )
    for column in columns:
        op.add_column("callback_entry", column)
    for column in columns:
        op.execute(
            f"UPDATE callback_entry SET {column.name} = (SELECT run.{column.name}"
            " FROM callback_run AS run WHERE run.call_id = callback_entry.call_id)"
        )
    with op.batch_alter_table("callback_entry") as table:
        for column in columns:
            table.alter_column(column.name, nullable=False)
