"""What sweepers look for: requesters not told of an end, and callbacks that have not ended.

Requests that have ended before are taken as told. Revision 0009 follows 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_UNTOLD = sa.text("requester_workflow_id IS NOT NULL AND state = 'done' AND NOT requester_told")
_UNFINISHED = sa.text("state = 'pending'")


def upgrade() -> None:
    op.add_column(
        "recipient",
        sa.Column("requester_told", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.execute(
        "UPDATE recipient SET requester_told = true "
        "WHERE requester_workflow_id IS NOT NULL AND state = 'done'"
    )
    op.create_index(
        "ix_recipient_untold",
        "recipient",
        ["id"],
        sqlite_where=_UNTOLD,
        postgresql_where=_UNTOLD,
    )
    op.create_index(
        "ix_after_call_unfinished",
        "after_call",
        ["started_at", "call_id"],
        sqlite_where=_UNFINISHED,
        postgresql_where=_UNFINISHED,
    )


def downgrade() -> None:
    op.drop_index("ix_after_call_unfinished", "after_call")
    op.drop_index("ix_recipient_untold", "recipient")
    op.drop_column("recipient", "requester_told")
