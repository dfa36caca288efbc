"""Due deliveries are only looked for endpoint by endpoint. Revision 0017 follows 0016.

Over all endpoints, PostgreSQL took the index for those of one, past what the others have due.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_delivery_due", "delivery")


def downgrade() -> None:
    op.create_index(
        "ix_delivery_due",
        "delivery",
        ["next_at"],
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
