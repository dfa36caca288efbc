from __future__ import annotations

import contextlib
import threading
import time
import traceback
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import exc, insert, select, text, update
from sqlmodel import Session

from outdial.store.db.database import Database, DatabaseUnavailable
from outdial.store.db.engines import POLL_SECONDS
from outdial.store.db.errors import StatementRefused
from outdial.store.db.tables import suppression
from tests.builders import NOW, phone
from tests.databases import sqlite_database
from tests.store.racing import race

pytestmark = pytest.mark.both_databases


def _keep(s: Session, phone: str, at: datetime = NOW) -> None:
    s.connection().execute(
        insert(suppression).values(tenant="t", phone=phone, reason="r", source="s", created_at=at)
    )


def _instants(s: Session) -> list[datetime]:
    return list(s.connection().execute(select(suppression.c.created_at)).scalars())


def _phones(s: Session) -> list[str]:
    return list(s.connection().execute(select(suppression.c.phone)).scalars())


async def test_a_write_is_kept_and_read(database: Database) -> None:
    await database.write(lambda s: _keep(s, "1"))
    assert await database.read(_phones) == ["1"]
    await database.ping()


def test_work_that_raises_leaves_nothing_behind(database: Database) -> None:
    def fail(s: Session) -> None:
        _keep(s, "1")
        raise LookupError("no")

    with pytest.raises(LookupError):
        database.write_sync(fail)
    assert database.read_sync(_phones) == []


def test_a_read_keeps_no_change(database: Database) -> None:
    with contextlib.suppress(exc.OperationalError):  # SQLite refuses it outright
        database.read_sync(lambda s: _keep(s, "1"))
    assert database.read_sync(_phones) == []


def test_instants_come_back_in_utc(database: Database) -> None:
    tokyo = timezone(timedelta(hours=9))
    database.write_sync(lambda s: _keep(s, "1", datetime(2026, 3, 5, 0, 0, 0, 123, tzinfo=tokyo)))
    (found,) = database.read_sync(_instants)
    assert found == datetime(2026, 3, 4, 15, 0, 0, 123, tzinfo=UTC)
    assert found.utcoffset() == timedelta(0)


def test_naive_instants_are_refused(database: Database) -> None:
    with pytest.raises(exc.StatementError, match="without an offset"):
        database.write_sync(lambda s: _keep(s, "1", datetime(2026, 3, 4)))


def test_work_that_deadlocked_is_run_again(database: Database, backend: str) -> None:
    if backend == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    for number in ("1", "2"):
        database.write_sync(lambda s, number=number: _keep(s, number))  # type: ignore[misc]
    both_hold_one = threading.Barrier(2)
    runs: list[str] = []

    def cross(first: str, second: str) -> None:
        def work(s: Session) -> None:
            runs.append(first)
            _touch(s, first)
            if len(runs) <= 2:
                both_hold_one.wait()
            _touch(s, second)

        database.write_sync(work)

    race([lambda: cross("1", "2"), lambda: cross("2", "1")])
    assert len(runs) == 3


def test_a_lock_that_stays_held_is_told_from_an_outage(database: Database, backend: str) -> None:
    if backend == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    database.write_sync(lambda s: _keep(s, "1"))

    def wait_in_vain(s: Session) -> None:
        s.connection().execute(text("SET LOCAL lock_timeout = '10ms'"))
        _touch(s, "1")

    def hold(s: Session) -> None:
        _touch(s, "1")
        with pytest.raises(DatabaseUnavailable) as refused:
            database.write_sync(wait_in_vain)
        assert refused.value.rows_locked

    database.write_sync(hold)


def _touch(s: Session, phone: str) -> None:
    s.connection().execute(
        update(suppression).where(suppression.c.phone == phone).values(reason="touched")
    )


def test_a_connection_that_was_cut_is_made_anew(database: Database, backend: str) -> None:
    if backend == "sqlite":
        pytest.skip("SQLite has no connection to lose")
    cut: list[int] = []

    def work(s: Session) -> None:
        own = s.connection().execute(text("SELECT pg_backend_pid()")).scalar_one()
        if not cut:
            cut.append(own)
            database.write_sync(
                lambda other: other.connection().execute(
                    text("SELECT pg_terminate_backend(:pid)"), {"pid": own}
                )
            )
        _keep(s, "1")

    database.write_sync(work)
    assert database.read_sync(_phones) == ["1"]


@pytest.mark.parametrize(
    "url",
    ["sqlite:////nowhere/at/all/outdial.db", "postgresql://nobody@127.0.0.1:1/none"],
)
def test_a_database_that_is_not_there_is_unavailable(url: str) -> None:
    database = Database(url)
    try:
        with pytest.raises(DatabaseUnavailable):
            database.migrate()
        with pytest.raises(DatabaseUnavailable):
            database.write_sync(lambda s: _keep(s, "1"))
        with pytest.raises(DatabaseUnavailable):
            database.read_sync(_phones)
    finally:
        database.dispose()


def test_a_wrong_statement_is_no_unavailability(database: Database) -> None:
    with pytest.raises(exc.DBAPIError):
        database.write_sync(lambda s: s.connection().execute(text("SELECT * FROM nothing")))


def test_what_the_database_refused_is_told_without_the_values(database: Database) -> None:
    number = phone(0)
    database.write_sync(lambda s: _keep(s, number))
    with pytest.raises(StatementRefused) as refused:
        database.write_sync(lambda s: _keep(s, number))
    told = "".join(traceback.format_exception(refused.value))
    assert "INSERT INTO suppression" in told
    assert number not in told


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="write postgresql://"):
        Database(url)


async def test_many_writes_in_a_row_leave_others_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as nobody else writes, only as long as it takes others to find the file free."""
    turns: list[float] = []

    async def note(seconds: float) -> None:
        turns.append(seconds)

    def write(s: Session) -> None:
        _keep(s, f"{len(turns)} of this one")
        time.sleep(0.04)  # its rows

    with sqlite_database() as url:
        database, other = Database(url), Database(url)
        database.migrate()
        monkeypatch.setattr("outdial.store.db.database.asyncio.sleep", note)
        for number in range(4):
            await database.write_in_turn(write)
            if number == 2:
                other.write_sync(lambda s: _keep(s, "1 of another"))
        _, alone, again, after_another = turns
        assert POLL_SECONDS < alone == again < after_another
        database.dispose()
        other.dispose()
