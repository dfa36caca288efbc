"""Claims keep no count of open recipients: `progress_count` has it. Revision 0027 follows 0026."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("claim_state", "counted_at")
    op.drop_column("claim_state", "open_count")


def downgrade() -> None:
    """The next claim counts anew."""
    op.add_column(
        "claim_state", sa.Column("open_count", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column("claim_state", sa.Column("counted_at", sa.DateTime(timezone=True)))
