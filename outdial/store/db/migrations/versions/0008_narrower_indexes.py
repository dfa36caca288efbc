"""Two indexes hold the rows they are asked for, and no others.

A claim moves a hundred people and makes a hundred calls: each index that doesn't hold them is
one less to write. Revision 0008 follows 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_READY = sa.text("state = 'ready'")
_NAMED = sa.text("provider_call_id IS NOT NULL")


def upgrade() -> None:
    op.drop_index("ix_recipient_ready", "recipient")
    op.create_index(
        "ix_recipient_ready",
        "recipient",
        ["campaign_id", "launch", "window_closes_at", "turn", "id"],
        sqlite_where=_READY,
        postgresql_where=_READY,
    )
    op.drop_index("ix_call_provider", "call")
    op.create_index(
        "ix_call_provider",
        "call",
        ["tenant", "line", "provider_call_id"],
        sqlite_where=_NAMED,
        postgresql_where=_NAMED,
    )


def downgrade() -> None:
    op.drop_index("ix_call_provider", "call")
    op.create_index("ix_call_provider", "call", ["tenant", "line", "provider_call_id"])
    op.drop_index("ix_recipient_ready", "recipient")
    op.create_index(
        "ix_recipient_ready",
        "recipient",
        ["campaign_id", "launch", "state", "window_closes_at", "turn", "id"],
    )
