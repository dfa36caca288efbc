"""Budgets: what is reserved for calls, what campaigns have spent, and the prices of lines.

Revision 0033 follows 0032.
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "budget_hold",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("campaign_id", _BIG, nullable=False),
        sa.Column("launch", sa.Integer(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("recipient_id", _BIG, nullable=False),
        sa.Column("highest", _BIG, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("cost_per_minute", _BIG, nullable=False),
        sa.Column("cost_per_call", _BIG, nullable=False),
        sa.Column("billing_increment", sa.Integer(), nullable=False),
        sa.Column("cost", _BIG, nullable=True),
        sa.Column("cost_source", sa.Text(), nullable=True),
        sa.Column("excess", _BIG, nullable=False, server_default=sa.text("0")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_budget_hold_call_id_call")),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_budget_hold")),
    )
    op.create_index("ix_budget_hold_recipient", "budget_hold", ["recipient_id"])
    op.create_table(
        "budget_total",
        sa.Column("campaign_id", _BIG, nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("spent", _BIG, nullable=False),
        sa.Column("reserved", _BIG, nullable=False),
        sa.Column("raised", _BIG, nullable=False),
        sa.Column("excess", _BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_budget_total_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint(
            "campaign_id", "scope", "key", "currency", name=op.f("pk_budget_total")
        ),
    )
    op.add_column("line", sa.Column("currency", sa.Text(), nullable=True))
    for name, kind, default in (
        ("cost_per_minute", _BIG, "0"),
        ("cost_per_call", _BIG, "0"),
        ("billing_increment", sa.Integer(), "60"),
    ):
        column = sa.Column(name, kind, nullable=False, server_default=sa.text(default))
        op.add_column("line", column)
    op.add_column("claim_state", sa.Column("budget_exhausted", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("claim_state", "budget_exhausted")
    for name in ("billing_increment", "cost_per_call", "cost_per_minute", "currency"):
        op.drop_column("line", name)
    op.drop_table("budget_total")
    op.drop_table("budget_hold")
