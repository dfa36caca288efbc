"""Requests of a direct campaign are found by the line that they bring.

Revision 0035 follows 0034.
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_recipient_line_due", ["turn", "due_at", "id"], "state = 'waiting' AND plan IS NOT NULL"),
    (
        "ix_recipient_line_ready",
        ["window_closes_at", "turn", "id"],
        "state = 'ready' AND plan IS NOT NULL",
    ),
)


def upgrade() -> None:
    for name, columns, rows in _INDEXES:
        op.create_index(
            name,
            "recipient",
            ["campaign_id", "launch", "line", *columns],
            sqlite_where=sa.text(rows),
            postgresql_where=sa.text(rows),
        )


def downgrade() -> None:
    for name, _, _ in reversed(_INDEXES):
        op.drop_index(name, "recipient")
