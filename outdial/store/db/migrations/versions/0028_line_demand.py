"""`line_demand`: campaigns that wait for a line, written by their claims. 0028 follows 0027."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "line_demand",
        sa.Column(
            "campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("wants", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_line_demand_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "line", name=op.f("pk_line_demand")),
    )
    op.create_index("ix_line_demand_line", "line_demand", ["tenant", "line"])
    op.add_column(
        "claim_state",
        sa.Column("waits_for_lines", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    op.drop_column("claim_state", "waits_for_lines")
    op.drop_table("line_demand")
