"""Calls and events are found by the provider's id alone.

An index that begins with the tenant is one among several that do, and SQLite, which has no
statistics, took one that holds all calls of the tenant. Revision 0011 follows 0010.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_NAMED = sa.text("provider_call_id IS NOT NULL")
_UNMATCHED = sa.text("call_id IS NULL")
_INDEXES = (("ix_call_provider", "call", _NAMED), ("ix_event_unmatched", "event", _UNMATCHED))


def upgrade() -> None:
    _replace(["provider_call_id"])


def downgrade() -> None:
    _replace(["tenant", "line", "provider_call_id"])


def _replace(columns: list[str]) -> None:
    for name, table, only in _INDEXES:
        op.drop_index(name, table)
        op.create_index(name, table, columns, sqlite_where=only, postgresql_where=only)
