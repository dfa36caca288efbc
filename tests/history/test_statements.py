"""No statement of a door or a worker costs more the longer the history of a tenant is.

Everything that doors and workers do with the database is done once on a database that is filled
with a tenant's history, and what each statement reads is counted. That all of them are run is
checked against the source: each call of `execute` in the store has to be reached. One that is new
fails until an operation in `tests.history.operations` reaches it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import URL, text
from sqlmodel import Session

from outdial.store.db.database import Database
from tests.backends import BACKENDS
from tests.builders import House
from tests.databases import InThread, do_not_sync, migrated, postgresql_database, sqlite_database
from tests.history import doors
from tests.history.exceptions import reason_for
from tests.history.filling import fill
from tests.history.measuring import Measured, measuring
from tests.history.operations import access, appointments, calls, campaigns, webhooks
from tests.history.operations.registry import OPERATIONS, Scene
from tests.history.sites import executing

_OPERATIONS = (access, appointments, calls, campaigns, webhooks)
"""They register their operations when they are imported."""
NOT_REACHED = {
    "outdial/store/claims/demand.py: lines_waited_for": "the direct campaign, while others wait",
    "outdial/store/roster/flip.py: _settle_refused": "an addition that is stopped as it is moved",
}
"""Functions with a call of `execute` that no operation reaches, and why."""


@pytest.mark.parametrize(
    ("rows", "filters", "backends"),
    [(5_000, 1, BACKENDS), pytest.param(200_000, 2, ("sqlite",), marks=pytest.mark.faults)],
    ids=["short history", "long history"],
)
async def test_no_statement_reads_the_history(
    postgresql: URL, rows: int, filters: int, backends: Sequence[str]
) -> None:
    sites, dear = set(), []
    for backend in backends:
        with _new_database(backend, postgresql) as url, migrated(url):
            database = InThread(url)
            do_not_sync(database)
            try:
                measured = await _measure(database, rows, filters)
            finally:
                database.dispose()
        sites |= measured.sites
        dear += [
            f"{backend}: {cost.shown(statement)}"
            for statement, cost in measured.costs.items()
            if cost.refused and reason_for(statement, cost) is None
        ]
    missed = {str(call) for call in executing() if not call.reached(sites)}
    assert not dear, "\n\n".join(dear)
    assert missed <= set(NOT_REACHED) or set(backends) != set(BACKENDS)


def _new_database(backend: str, postgresql: URL) -> AbstractContextManager[str]:
    return sqlite_database() if backend == "sqlite" else postgresql_database(postgresql)


async def _measure(database: Database, rows: int, filters: int) -> Measured:
    """`filters` is how many of them are combined when doors are asked."""
    house = House(database)
    house.line()
    scene = Scene(house, fill(house, rows))
    few = rows < 100_000
    if database._write_engine.dialect.name == "postgresql":
        house.write(lambda s: _gather_statistics(s, few=few))
    with measuring(database) as measured:
        await doors.visit(database, scene, measured, filters, under="/v1" if few else "/")
        for one in OPERATIONS:
            measured.operation = one.__name__
            one(scene)
    return measured


def _gather_statistics(s: Session, *, few: bool) -> None:
    """As PostgreSQL's autovacuum does within minutes of so many rows; SQLite never does by itself.

    Of few rows PostgreSQL rightly reads all, where an index serves it as well.
    """
    name = s.connection().execute(text("SELECT current_database()")).scalar_one()
    for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin") if few else ():
        s.connection().execute(text(f'ALTER DATABASE "{name}" SET enable_{way} = off'))
        s.connection().execute(text(f"SET enable_{way} = off"))
    s.connection().execute(text("ANALYZE"))
