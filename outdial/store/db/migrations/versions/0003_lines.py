"""Lines: circuit breakers, slow rates, and several lines to a campaign.

Revision 0003 follows 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)
_PLACED = sa.text("placed_at IS NOT NULL")


def upgrade() -> None:
    _circuits()
    _failures()
    op.create_table(
        "campaign_line",
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_line_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "name", name=op.f("pk_campaign_line")),
    )
    op.execute("INSERT INTO campaign_line (campaign_id, name) SELECT id, line FROM campaign")
    op.add_column(
        "recipient",
        sa.Column("line_marks", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
    )


def _circuits() -> None:
    for column in (
        sa.Column("rate_seconds", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("breaker", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("circuit", sa.Text(), server_default=sa.text("'closed'"), nullable=False),
        sa.Column("circuit_since", _INSTANT, nullable=True),
        sa.Column("circuit_because", sa.Text(), nullable=True),
        sa.Column("retry_at", _INSTANT, nullable=True),
        sa.Column("trial_call_id", sa.Text(), nullable=True),
        sa.Column("openings", sa.Integer(), server_default=sa.text("0"), nullable=False),
    ):
        op.add_column("line", column)


def _failures() -> None:
    op.create_table(
        "line_failure",
        sa.Column("id", _ID, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_failure")),
        sa.UniqueConstraint("call_id", name=op.f("uq_line_failure_call_id")),
    )
    op.create_index("ix_line_failure_line", "line_failure", ["tenant", "line", "at"])
    op.create_index(
        "ix_call_line_placed",
        "call",
        ["tenant", "line", "placed_at", "status"],
        sqlite_where=_PLACED,
        postgresql_where=_PLACED,
    )


def downgrade() -> None:
    op.drop_column("recipient", "line_marks")
    op.drop_table("campaign_line")
    op.drop_index("ix_call_line_placed", "call")
    op.drop_table("line_failure")
    for name in (
        "openings",
        "trial_call_id",
        "retry_at",
        "circuit_because",
        "circuit_since",
        "circuit",
        "breaker",
        "rate_seconds",
    ):
        op.drop_column("line", name)
