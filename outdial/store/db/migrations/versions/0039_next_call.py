"""A campaign's claims store when the next call can be made, beside when they decide again.

Revision 0039 follows 0038.
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "claim_state", sa.Column("next_call_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("claim_state", sa.Column("next_call_zone", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("claim_state", "next_call_zone")
    op.drop_column("claim_state", "next_call_at")
