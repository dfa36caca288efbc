"""Recipients and calls of a launch are counted as they change. Revision 0025 follows 0024.

Triggers keep `progress_count` in step with `recipient` and `call`, so that no statement can change
one without the other. On SQLite they run for each row. On PostgreSQL they run once for a statement,
however many rows it changes, but for updates of calls: most of those change no status, and a
condition on the row then costs nothing.
"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_KEPT = {
    "recipient": (
        "{row}.state",
        "CASE WHEN {row}.state = 'done' THEN COALESCE({row}.outcome, '') ELSE '' END",
    ),
    "call": ("{row}.status", "CASE WHEN {row}.is_attempt THEN 'attempt' ELSE '' END"),
}
"""By table, and subject of the counts: what `value` and `detail` are made of."""
_EVENTS = ("insert", "update", "delete")
_SIGNS = {"insert": {"NEW": 1}, "update": {"OLD": -1, "NEW": 1}, "delete": {"OLD": -1}}
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "progress_count",
        sa.Column("campaign_id", _BIG, nullable=False),
        sa.Column("launch", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("shard", _BIG, nullable=False),
        sa.Column("total", _BIG, nullable=False),
        sa.PrimaryKeyConstraint(
            "campaign_id",
            "launch",
            "subject",
            "value",
            "detail",
            "shard",
            name=op.f("pk_progress_count"),
        ),
    )
    # Triggers first: on PostgreSQL to create one keeps writers out until the commit.
    for statement in _postgresql() if _on_postgresql() else _sqlite():
        op.execute(statement)
    for table in _KEPT:
        op.execute(_count_all(table))


def downgrade() -> None:
    for table in _KEPT:
        for event in _EVENTS:
            on = f' ON "{table}"' if _on_postgresql() else ""
            op.execute(f"DROP TRIGGER count_{table}_{event}{on}")
            if _on_postgresql():
                op.execute(f"DROP FUNCTION count_{table}_{event}()")
    if _on_postgresql():
        op.execute("DROP FUNCTION add_to_progress_count(bigint, integer, text, text, text, bigint)")
    op.drop_table("progress_count")


def _on_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _count_all(table: str) -> str:
    value, detail = _key(table, "counted")
    return (
        "INSERT INTO progress_count"
        f" SELECT campaign_id, launch, '{table}', {value}, {detail}, 0, count(*)"
        f' FROM "{table}" AS counted GROUP BY campaign_id, launch, {value}, {detail}'
    )


def _key(table: str, row: str) -> tuple[str, str]:
    value, detail = _KEPT[table]
    return value.format(row=row), detail.format(row=row)


def _changed(table: str, unequal: str) -> str:
    """Whether an updated row is counted elsewhere now."""
    pairs = [(f"OLD.{name}", f"NEW.{name}") for name in ("campaign_id", "launch")]
    pairs += zip(_key(table, "OLD"), _key(table, "NEW"), strict=True)
    return " OR ".join(f"({old}) {unequal} ({new})" for old, new in pairs)


# --- SQLite -------------------------------------------------------------------------------------


def _sqlite() -> Iterator[str]:
    for table in _KEPT:
        for event, signs in _SIGNS.items():
            when = f" WHEN {_changed(table, 'IS NOT')}" if event == "update" else ""
            added = " ".join(_upsert(table, row, amount) for row, amount in signs.items())
            yield (
                f"CREATE TRIGGER count_{table}_{event} AFTER {event.upper()}"
                f' ON "{table}"{when} BEGIN {added} END'
            )


def _upsert(table: str, row: str, amount: int) -> str:
    value, detail = _key(table, row)
    return (
        f"INSERT INTO progress_count VALUES ({row}.campaign_id, {row}.launch, '{table}',"
        f" {value}, {detail}, 0, {amount})"
        " ON CONFLICT (campaign_id, launch, subject, value, detail, shard)"
        " DO UPDATE SET total = total + excluded.total;"
    )


# --- PostgreSQL ---------------------------------------------------------------------------------

_ADD = """
CREATE FUNCTION add_to_progress_count(
  of_campaign bigint, of_launch integer, of_subject text, of_value text, of_detail text,
  amount bigint
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE progress_count AS kept SET total = kept.total + amount
  WHERE kept.campaign_id = of_campaign AND kept.launch = of_launch AND kept.subject = of_subject
    AND kept.value = of_value AND kept.detail = of_detail
    AND kept.shard = (
      SELECT free.shard FROM progress_count AS free
      WHERE free.campaign_id = of_campaign AND free.launch = of_launch
        AND free.subject = of_subject AND free.value = of_value AND free.detail = of_detail
      LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
    );
  IF NOT FOUND THEN
    INSERT INTO progress_count
    VALUES (of_campaign, of_launch, of_subject, of_value, of_detail, txid_current(), amount);
  END IF;
END $$
"""


def _postgresql() -> Iterator[str]:
    # Room on the page for the next version of a row: an update then changes no index.
    yield "ALTER TABLE progress_count SET (fillfactor = 50)"
    yield _ADD
    for table in _KEPT:
        for event, signs in _SIGNS.items():
            if (table, event) == ("call", "update"):
                yield from _for_each_row(table, event, signs)
            else:
                yield from _for_each_statement(table, event, signs)


def _for_each_row(table: str, event: str, signs: dict[str, int]) -> Iterator[str]:
    added = ""
    for row, amount in signs.items():
        value, detail = _key(table, row)
        added += (
            f"PERFORM add_to_progress_count({row}.campaign_id, {row}.launch, '{table}',"
            f" {value}, {detail}, {amount}); "
        )
    yield _function(table, event, added)
    yield (
        f'CREATE TRIGGER count_{table}_{event} AFTER {event.upper()} ON "{table}" FOR EACH ROW'
        f" WHEN ({_changed(table, 'IS DISTINCT FROM')})"
        f" EXECUTE FUNCTION count_{table}_{event}()"
    )


def _for_each_statement(table: str, event: str, signs: dict[str, int]) -> Iterator[str]:
    changed = []
    for row, amount in signs.items():
        value, detail = _key(table, "rows")
        changed.append(
            f"SELECT campaign_id, launch, {value} AS value, {detail} AS detail, {amount} AS amount"
            f" FROM {row}_rows AS rows"
        )
    added = (
        f"PERFORM add_to_progress_count(campaign_id, launch, '{table}', value, detail, sum(amount))"
        f" FROM ({' UNION ALL '.join(changed)}) AS changed"
        " GROUP BY campaign_id, launch, value, detail HAVING sum(amount) <> 0;"
    )
    yield _function(table, event, added)
    referencing = " ".join(f"{row} TABLE AS {row}_rows" for row in signs)
    yield (
        f'CREATE TRIGGER count_{table}_{event} AFTER {event.upper()} ON "{table}"'
        f" REFERENCING {referencing} FOR EACH STATEMENT"
        f" EXECUTE FUNCTION count_{table}_{event}()"
    )


def _function(table: str, event: str, work: str) -> str:
    return (
        f"CREATE FUNCTION count_{table}_{event}() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" BEGIN {work} RETURN NULL; END $$"
    )
