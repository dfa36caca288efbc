"""`after_call` becomes `callback_run`, `call_back` becomes `redial`. Revision 0020 follows 0019.

Both tables are made anew and copied, so that their keys and indexes get new names on SQLite too.
Plans, definitions, callbacks and events are JSON text, in which keys and kinds are renamed.
"""

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_BATCH = 500
_RUN = "call_id, tenant, campaign_id, state, run, error, created_at, started_at, ended_at"
_ENTRY = "call_id, position, kind, callback, state, generation, note, result, updated_at"
_PLANS = (("campaign", ("id",), "plan"), ("recipient", ("id",), "plan"),
          ("campaign_revision", ("campaign_id", "revision"), "definition"))  # fmt: skip


def upgrade() -> None:
    _move("after_call", "after_call_step", "callback_run", "callback_entry")
    op.execute('ALTER TABLE "call" RENAME COLUMN call_back_at TO redial_at')
    _rename("callback_entry", "call_back", "redial", "call_back_at", "redial_at")


def downgrade() -> None:
    _move("callback_run", "callback_entry", "after_call", "after_call_step")
    op.execute('ALTER TABLE "call" RENAME COLUMN redial_at TO call_back_at')
    _rename("after_call_step", "redial", "call_back", "redial_at", "call_back_at")


def _move(old_run: str, old_entry: str, run: str, entry: str) -> None:
    # Indexes have names of their own in a whole database, and go with their tables.
    for suffix in ("unfinished", "unstarted", "campaign"):
        op.drop_index(f"ix_{old_run}_{suffix}", old_run)
    _create(run, entry)
    op.execute(f"INSERT INTO {run} ({_RUN}) SELECT {_RUN} FROM {old_run}")
    op.execute(f"INSERT INTO {entry} ({_ENTRY}) SELECT {_ENTRY} FROM {old_entry}")
    op.drop_table(old_entry)
    op.drop_table(old_run)


def _create(run: str, entry: str) -> None:
    op.create_table(
        run,
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column(
            "campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f(f"fk_{run}_call_id_call")),
        sa.PrimaryKeyConstraint("call_id", name=op.f(f"pk_{run}")),
    )
    op.create_index(f"ix_{run}_campaign", run, ["campaign_id", "state"])
    unstarted, unfinished = sa.text("started_at IS NULL"), sa.text("state = 'pending'")
    op.create_index(
        f"ix_{run}_unstarted",
        run,
        ["created_at"],
        sqlite_where=unstarted,
        postgresql_where=unstarted,
    )
    op.create_index(
        f"ix_{run}_unfinished",
        run,
        ["started_at", "call_id"],
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )
    op.create_table(
        entry,
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("callback", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], [f"{run}.call_id"], name=op.f(f"fk_{entry}_call_id_{run}")
        ),
        sa.PrimaryKeyConstraint("call_id", "position", name=op.f(f"pk_{entry}")),
    )


def _rename(entry: str, old_kind: str, kind: str, old_key: str, key: str) -> None:
    def callback(document: Any) -> None:
        if document.get("do") == old_kind:
            document["do"] = kind

    def plan(document: Any) -> None:
        for each in document.get("callbacks") or ():
            callback(each)

    def event(document: Any) -> None:
        if old_key in document:
            document[key] = document.pop(old_key)

    for table, primary, column in _PLANS:
        _rewrite(table, primary, column, f'%"do":"{old_kind}"%', plan)
    _rewrite(entry, ("call_id", "position"), "callback", f'%"do":"{old_kind}"%', callback)
    _rewrite("event", ("id",), "payload", f'%"{old_key}":%', event)
    rows = sa.table(entry, sa.column("kind"))
    op.execute(sa.update(rows).where(rows.c.kind == old_kind).values(kind=kind))


def _rewrite(
    table: str, key: tuple[str, ...], column: str, like: str, change: Callable[[Any], None]
) -> None:
    """In batches by key: requests of single calls each have a plan, and each call has events."""
    connection = op.get_bind()
    rows = sa.table(table, *map(sa.column, (*key, column)))
    keys, text = sa.tuple_(*(rows.c[name] for name in key)), rows.c[column]
    chosen = sa.select(*(rows.c[name] for name in key), text).where(text.like(like))
    chosen = chosen.order_by(*(rows.c[name] for name in key)).limit(_BATCH)
    last: tuple[Any, ...] | None = None
    while True:
        page = chosen if last is None else chosen.where(keys > sa.tuple_(*map(sa.literal, last)))
        stored = connection.execute(page).all()
        if not stored:
            return
        for row in stored:
            document = json.loads(row[-1])
            change(document)
            changed = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
            at = (rows.c[name] == value for name, value in zip(key, row, strict=False))
            connection.execute(sa.update(rows).where(*at).values({column: changed}))
        last = tuple(stored[-1][:-1])
