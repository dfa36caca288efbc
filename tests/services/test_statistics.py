"""The maintenance loop gathers statistics of SQLite, on a real file and beside other writers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event, insert, select, text
from sqlmodel import Session

from outdial.services.operations.maintenance import MaintenanceLoop
from outdial.store.db.database import Database
from outdial.store.db.statistics import WORTHWHILE, analyze_table
from outdial.store.db.tables import idempotency, suppression
from tests.builders import NOW
from tests.services.world import World


def _fill(s: Session, rows: int = WORTHWHILE) -> None:
    """Two tables, of which one is large, that the writer has queried."""
    listed = [
        {"tenant": "t", "phone": str(at), "reason": "r", "source": "s", "created_at": NOW}
        for at in range(rows)
    ]
    s.connection().execute(insert(suppression), listed)
    one = {"tenant": "t", "key": "k", "operation": "o", "digest": "d", "created_at": NOW}
    s.connection().execute(insert(idempotency), one)
    s.connection().execute(select(suppression).where(suppression.c.tenant == "u")).all()
    old = select(idempotency.c.key).where(idempotency.c.created_at < NOW)
    s.connection().execute(old).all()


async def _analyzed(database: Database) -> set[str]:
    query = text("SELECT tbl FROM sqlite_stat1")
    return set(await database.read(lambda s: list(s.connection().execute(query).scalars())))


async def test_statistics_of_large_tables_are_gathered_each_in_a_transaction(world: World) -> None:
    database = world.ctx.database
    await database.write(_fill)
    transactions: list[list[str]] = []

    @event.listens_for(database._write_engine, "begin")
    def begin(_: object) -> None:
        transactions.append([])

    @event.listens_for(database._write_engine, "before_cursor_execute")
    def execute(_c: Any, _cursor: Any, statement: str, *_: object) -> None:
        if statement.startswith("ANALYZE"):
            transactions[-1].append(statement)

    maintenance = MaintenanceLoop(world.ctx)
    await maintenance.gather_statistics()
    assert await _analyzed(database) == {"suppression"}
    assert transactions == [[], ['ANALYZE "main"."suppression"']]

    transactions.clear()
    await maintenance.gather_statistics()
    assert transactions == [[]]


async def test_statistics_of_small_tables_are_deleted(world: World) -> None:
    database = world.ctx.database
    await database.write(lambda s: _fill(s, 40))
    for table in ("suppression", "idempotency"):
        await database.write(lambda s, table=table: analyze_table(s, table))  # type: ignore[misc]
    assert await _analyzed(database) == {"suppression", "idempotency"}
    await MaintenanceLoop(world.ctx).gather_statistics()
    assert await _analyzed(database) == set()


async def test_an_analysis_reads_a_part_of_a_large_table(world: World) -> None:
    database = world.ctx.database
    await database.write(_fill)
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 100
        return 0

    def analyze(s: Session) -> None:
        connection: Any = s.connection().connection.driver_connection
        connection.set_progress_handler(count, 100)
        analyze_table(s, "suppression")
        connection.set_progress_handler(None, 0)

    await database.write(analyze)
    assert 0 < steps < WORTHWHILE
