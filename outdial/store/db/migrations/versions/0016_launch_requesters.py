"""A launch keeps the workflow run that asked for it. Revision 0016 follows 0015."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("roster", sa.Column("requester", sa.Text(), nullable=True))
    op.create_index("ix_roster_requester", "roster", ["campaign_id", "requester"])


def downgrade() -> None:
    op.drop_index("ix_roster_requester", table_name="roster")
    op.drop_column("roster", "requester")
