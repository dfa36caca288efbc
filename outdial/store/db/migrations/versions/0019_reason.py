"""The columns that say why are named `reason`, as everywhere else. 0019 follows 0018.

Renamed in place: no row is copied, on SQLite neither. Blocks are stored as JSON, in which the key
is renamed; an installation has a handful of them.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_RENAMED = (
    ("campaign", "because", "reason"),
    ("claim_cursor", "because", "reason"),
    ("recipient", "because", "reason"),
    ("endpoint", "because", "reason"),
    ("line", "held_because", "held_reason"),
    ("line", "circuit_because", "circuit_reason"),
)


def upgrade() -> None:
    for table, old, new in _RENAMED:
        _rename(table, old, new)
    _rename_in_blocks("because", "reason")


def downgrade() -> None:
    _rename_in_blocks("reason", "because")
    for table, old, new in reversed(_RENAMED):
        _rename(table, new, old)


def _rename(table: str, old: str, new: str) -> None:
    """Alembic would copy the whole table on SQLite."""
    op.execute(sa.text(f'ALTER TABLE "{table}" RENAME COLUMN {old} TO {new}'))


def _rename_in_blocks(old: str, new: str) -> None:
    connection = op.get_bind()
    rulings = sa.table("ruling", sa.column("id"), sa.column("kind"), sa.column("body"))
    blocks = sa.select(rulings.c.id, rulings.c.body).where(rulings.c.kind == "block")
    for key, body in connection.execute(blocks).all():
        document = json.loads(body)
        if old in document:
            document[new] = document.pop(old)
            changed = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
            connection.execute(sa.update(rulings).where(rulings.c.id == key).values(body=changed))
