"""Revisions are tried on some recipients first.

Revision 0036 follows 0035.
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_PENDING = sa.text("stratum IS NULL")
_COLUMNS = (
    ("recipient", "canary_id", _ID),
    ("recipient", "arm", sa.Text()),
    ("claim_state", "canary_id", _ID),
    ("campaign_revision", "canary_share", sa.Float()),
    ("revision_proposal", "canary_share", sa.Float()),
    ("revision_proposal", "canary_seed", sa.Text()),
)


def upgrade() -> None:
    for table, name, kind in _COLUMNS:
        op.add_column(table, sa.Column(name, kind, nullable=True))
    op.create_table(
        "canary",
        sa.Column("id", _ID, nullable=False),
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("launch", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("base_revision", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("seed", sa.Text(), nullable=False),
        sa.Column("needed", sa.Integer(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_canary_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canary")),
    )
    op.create_index("ix_canary_campaign", "canary", ["campaign_id", "id"])
    op.create_table(
        "canary_observation",
        sa.Column("canary_id", _ID, nullable=False),
        sa.Column("recipient_id", _ID, nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("arm", sa.Text(), nullable=False),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.Column("opted_out", sa.Boolean(), nullable=False),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.Column("cost", sa.Float(), nullable=True),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stratum", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["canary_id"], ["canary.id"], name=op.f("fk_canary_observation_canary_id_canary")
        ),
        sa.PrimaryKeyConstraint("canary_id", "recipient_id", name=op.f("pk_canary_observation")),
    )
    op.create_index(
        "ix_canary_observation_pending",
        "canary_observation",
        ["canary_id", "observed_at", "recipient_id"],
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    )


def downgrade() -> None:
    op.drop_table("canary_observation")
    op.drop_table("canary")
    for table, name, _ in reversed(_COLUMNS):
        op.drop_column(table, name)
