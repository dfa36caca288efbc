"""Checks of the database: that it answers, its schema, and its clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import exc
from sqlmodel import Session

from outdial.runtime.clock import TOLERATED
from outdial.runtime.doctor.finding import Finding, ok, problem, skipped, warning
from outdial.store.db.clocks import measure_skew
from outdial.store.db.database import Database
from outdial.store.db.engines import database_url
from outdial.store.db.errors import DatabaseUnavailable
from outdial.store.db.schema import SchemaState, read_schema

_SETTING = "OUTDIAL_DATABASE_URL"


async def check_database(
    database: Database, url: str, clock: Callable[[], datetime]
) -> list[Finding]:
    """Whether it answers, has this version's schema, and agrees with this host on the time."""
    shown = _shown(url)
    missing = _missing_file(url)
    if missing is not None:
        return [missing]

    def work(s: Session) -> tuple[SchemaState, timedelta | None]:
        return read_schema(s), measure_skew(s, clock)

    try:
        schema, skew = await database.read(work)
    except (DatabaseUnavailable, exc.DBAPIError) as error:
        return [problem("database", "database_unreachable", _why(error, shown), _remedy(error))]
    return [ok("database", f"{shown} answers"), _schema(schema), _clock(skew)]


def _shown(url: str) -> str:
    """The database without its user and password."""
    parsed = database_url(url)
    if parsed.get_backend_name() == "sqlite":
        return f"SQLite file {parsed.database}"
    return f"PostgreSQL at {parsed.host or 'a local socket'}/{parsed.database}"


def _missing_file(url: str) -> Finding | None:
    """A SQLite file that is not there: to connect would create it."""
    parsed = database_url(url)
    if parsed.get_backend_name() != "sqlite" or Path(str(parsed.database)).exists():
        return None
    return problem(
        "database",
        "database_missing",
        f"SQLite file {parsed.database} does not exist",
        f"run `outdial migrate`, which creates it, or correct {_SETTING}",
    )


def _why(error: Exception, shown: str) -> str:
    """The driver's first line: it names the server, the user or a table, and no data."""
    cause = error if isinstance(error, exc.DBAPIError) else error.__cause__
    detail = str(cause.orig) if isinstance(cause, exc.DBAPIError) else str(error)
    return f"{shown} cannot be used: {(detail.splitlines() or [type(error).__name__])[0]}"


def _remedy(error: Exception) -> str:
    text = str(error.__cause__ or error)
    if "password" in text or "authentication" in text:
        return f"correct the user and the password in {_SETTING}"
    if "does not exist" in text:
        return f"create the database, or correct its name in {_SETTING}; then `outdial migrate`"
    if "not a database" in text or "malformed" in text:
        return "restore the file from a backup"
    return f"start the database, or correct {_SETTING}"


def _schema(schema: SchemaState) -> Finding:
    if schema.present == schema.newest:
        return ok("schema", f"revision {schema.newest}")
    at = "has no tables yet" if schema.present is None else f"is at revision {schema.present}"
    if schema.present is not None and not schema.recognized:
        return problem(
            "schema",
            "schema_newer",
            f"the database {at}, which this version does not know; it goes up to {schema.newest}",
            "upgrade Outdial here to the version that migrated the database",
        )
    return problem(
        "schema",
        "schema_outdated",
        f"the database {at}; this version needs {schema.newest}",
        "run `outdial migrate`",
    )


def _clock(skew: timedelta | None) -> Finding:
    if skew is None:
        return skipped("clock", "the database answered too slowly to compare clocks")
    seconds = abs(skew).total_seconds()
    if abs(skew) <= TOLERATED:
        return ok("clock", f"within {max(seconds, 0.1):.1f} s of the database's")
    way = "ahead of" if skew > timedelta(0) else "behind"
    return warning(
        "clock",
        "clock_skew",
        f"this host's clock is {seconds:.0f} s {way} the database's, by which calls are timed",
        "set up NTP on this host and on the database's",
    )
