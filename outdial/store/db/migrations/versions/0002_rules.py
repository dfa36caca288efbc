"""Rules: consents, rulings, receipts, and the history of suppressions.

Revision 0002 follows 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("recipient", sa.Column("consent", sa.Text(), nullable=True))
    op.add_column(
        "recipient",
        sa.Column("promised", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    _rulings()
    _receipts()
    _suppression_changes()


def _rulings() -> None:
    op.create_table(
        "ruling",
        sa.Column("id", _ID, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ruling")),
    )
    op.create_index(
        "ix_ruling_in_force",
        "ruling",
        ["tenant"],
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _receipts() -> None:
    op.create_table(
        "receipt",
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_receipt_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "sequence", name=op.f("pk_receipt")),
        sa.UniqueConstraint("call_id", name=op.f("uq_receipt_call_id")),
    )


def _suppression_changes() -> None:
    op.create_table(
        "suppression_change",
        sa.Column("id", _ID, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression_change")),
    )
    op.create_index("ix_suppression_change_phone", "suppression_change", ["phone", "tenant", "id"])
    op.execute(
        "INSERT INTO suppression_change (tenant, phone, change, reason, source, at) "
        "SELECT tenant, phone, 'listed', reason, source, created_at FROM suppression"
    )


def downgrade() -> None:
    op.drop_table("suppression_change")
    op.drop_table("receipt")
    op.drop_table("ruling")
    op.drop_column("recipient", "promised")
    op.drop_column("recipient", "consent")
