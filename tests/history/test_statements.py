"""No statement of a door or a worker costs more the longer the history of a tenant is.

Everything that doors and workers do with the database is done once on a database that is filled
with a tenant's history, and what each statement reads is counted. That all of them are run is
checked against the source: each call of `execute` in the store has to be reached. One that is new
fails until an operation in `tests.history.operations` reaches it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest
from sqlalchemy import URL, text
from sqlmodel import Session

from outdial.store.db.database import Database
from outdial.store.db.tables import metadata
from tests.backends import BACKENDS
from tests.builders import House
from tests.databases import InThread, do_not_sync, migrated, postgresql_database, sqlite_database
from tests.history import doors
from tests.history.exceptions import reason_for
from tests.history.filling import fill
from tests.history.measuring import Measured, measuring
from tests.history.operations import (
    access,
    appointments,
    calls,
    campaigns,
    gauges,
    webhooks,
    wide,
)
from tests.history.operations.registry import OPERATIONS, Scene
from tests.history.sites import executing

_OPERATIONS = (access, appointments, calls, campaigns, gauges, webhooks, wide)
"""They register their operations when they are imported."""
NOT_REACHED = {
    "outdial/store/claims/demand.py: lines_waited_for": "the direct campaign, while others wait",
    "outdial/store/roster/flip.py: _cancel_if_over": "an addition that is stopped as it is moved",
    "outdial/store/roster/merging.py: delete_rows_to": "a revision that is stopped as it is merged",
}
"""Functions with a call of `execute` that no operation reaches, and why."""


async def test_no_statement_reads_the_history(postgresql: URL) -> None:
    sites, dear = set(), []
    for backend in BACKENDS:
        measured = await _measure(backend, postgresql, rows=5_000, filters=1)
        sites |= measured.sites
        dear += [f"{backend}: {one}" for one in _refused(measured)]
    missed = {str(call) for call in executing() if not call.reached(sites)}
    assert not dear, "\n\n".join(dear)
    assert missed <= set(NOT_REACHED)


@pytest.mark.faults
@pytest.mark.parametrize("kind", BACKENDS)
async def test_no_statement_reads_a_long_history(postgresql: URL, kind: str) -> None:
    dear = _refused(await _measure(kind, postgresql, rows=200_000, filters=2))
    assert not dear, "\n\n".join(dear)


def _refused(measured: Measured) -> list[str]:
    return [
        cost.shown(statement)
        for statement, cost in measured.costs.items()
        if cost.refused and reason_for(statement, cost) is None
    ]


async def _measure(backend: str, postgresql: URL, *, rows: int, filters: int) -> Measured:
    """`filters` is how many of them are combined when doors are asked."""
    with _new_database(backend, postgresql) as url, migrated(url):
        database = InThread(url)
        do_not_sync(database)
        try:
            return await _measured(database, rows, filters)
        finally:
            database.dispose()


def _new_database(backend: str, postgresql: URL) -> AbstractContextManager[str]:
    return sqlite_database() if backend == "sqlite" else postgresql_database(postgresql)


async def _measured(database: Database, rows: int, filters: int) -> Measured:
    house = House(database)
    few = rows < 100_000
    on_postgresql = database._write_engine.dialect.name == "postgresql"
    if on_postgresql:
        house.write(_gather_no_statistics)
    house.line()
    scene = Scene(house, fill(house, rows))
    if on_postgresql and few:
        house.write(_prefer_indexes)
    with measuring(database) as measured:
        await doors.visit(database, scene, measured, filters, under="/v1" if few else "/")
        for one in OPERATIONS:
            measured.operation = one.__name__
            one(scene)
    return measured


def _gather_no_statistics(s: Session) -> None:
    """PostgreSQL gathers them a minute after rows were written, SQLite never does by itself."""
    for table in metadata.sorted_tables:
        s.connection().execute(text(f'ALTER TABLE "{table.name}" SET (autovacuum_enabled = off)'))


def _prefer_indexes(s: Session) -> None:
    """Of few rows PostgreSQL rightly reads all, where an index serves it as well. It is told how
    many they are: of so few it expects one, by whichever index."""
    name = s.connection().execute(text("SELECT current_database()")).scalar_one()
    for way in ("seqscan", "hashjoin", "mergejoin"):
        s.connection().execute(text(f'ALTER DATABASE "{name}" SET enable_{way} = off'))
        s.connection().execute(text(f"SET enable_{way} = off"))
    s.connection().execute(text("ANALYZE"))
