"""A workflow is signalled: `requester_told` becomes `requester_signalled`. 0023 follows 0022.

Renamed in place: no row is copied, on SQLite neither. The index is made anew under its new name.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _rename("requester_told", "requester_signalled", "ix_recipient_untold", "unsignalled")


def downgrade() -> None:
    _rename("requester_signalled", "requester_told", "ix_recipient_unsignalled", "untold")


def _rename(old: str, new: str, old_index: str, index: str) -> None:
    op.drop_index(old_index, "recipient")
    op.execute(sa.text(f"ALTER TABLE recipient RENAME COLUMN {old} TO {new}"))
    waits = sa.text(f"requester_workflow_id IS NOT NULL AND state = 'done' AND NOT {new}")
    op.create_index(
        f"ix_recipient_{index}",
        "recipient",
        ["id"],
        postgresql_where=waits,
        sqlite_where=waits,
    )
