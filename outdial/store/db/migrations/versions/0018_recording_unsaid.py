"""`recording: false` of earlier plans and definitions becomes "nothing is said". 0018 follows 0017.

It was the default, so it was written into every stored plan and definition, whether anybody had
written it or not. Now it means that calls must not be recorded.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_STORED = (("campaign", ("id",), "plan"), ("recipient", ("id",), "plan"),
           ("campaign_revision", ("campaign_id", "revision"), "definition"))  # fmt: skip
_BATCH = 500


def upgrade() -> None:
    for table, key, column in _STORED:
        _forget(table, key, column)


def _forget(table: str, key: tuple[str, ...], column: str) -> None:
    """In batches by key: requests of single calls each have a plan."""
    connection = op.get_bind()
    rows = sa.table(table, *map(sa.column, (*key, column)))
    keys, text = sa.tuple_(*(rows.c[name] for name in key)), rows.c[column]
    chosen = sa.select(*(rows.c[name] for name in key), text).where(
        text.like('%"recording":false%')
    )
    chosen = chosen.order_by(*(rows.c[name] for name in key)).limit(_BATCH)
    last: tuple[int, ...] | None = None
    while True:
        page = chosen if last is None else chosen.where(keys > sa.tuple_(*map(sa.literal, last)))
        found = connection.execute(page).all()
        if not found:
            return
        for row in found:
            document = json.loads(row[-1])
            if document.get("recording") is False:
                document["recording"] = None
                changed = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
                at = (rows.c[name] == value for name, value in zip(key, row, strict=False))
                connection.execute(sa.update(rows).where(*at).values({column: changed}))
        last = tuple(found[-1][:-1])


def downgrade() -> None:
    """Nobody can tell any more who wrote it: it stays unsaid."""
