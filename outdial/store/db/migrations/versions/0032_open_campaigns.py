"""Open campaigns are found by their state; tool calls are never looked up by their call.

Revision 0032 follows 0031.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_OPEN = sa.text("state NOT IN ('stopped', 'finished')")


def upgrade() -> None:
    _index(["state", "id"])
    op.drop_index("ix_tool_call_call", "tool_call")


def downgrade() -> None:
    _index(["id"])
    op.create_index("ix_tool_call_call", "tool_call", ["call_id"])


def _index(columns: list[str]) -> None:
    op.drop_index("ix_campaign_open", "campaign")
    op.create_index(
        "ix_campaign_open", "campaign", columns, sqlite_where=_OPEN, postgresql_where=_OPEN
    )
