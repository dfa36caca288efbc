"""What is due for one endpoint is found by an index, however much is pending.

Workers look for it several times a second. Revision 0013 follows 0012.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_PENDING = sa.text("state = 'pending'")


def upgrade() -> None:
    op.create_index(
        "ix_delivery_endpoint_due",
        "delivery",
        ["endpoint_id", "next_at", "id"],
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    )


def downgrade() -> None:
    op.drop_index("ix_delivery_endpoint_due", "delivery")
