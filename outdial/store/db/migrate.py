"""Schema migrations, run from code so that an installed package needs no alembic.ini."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK_KEY = 7_236_114_905
"""Any number that nothing else locks: processes that migrate at once queue up on it."""
_one_at_a_time = threading.Lock()
"""Alembic's context is global to the process."""


def upgrade(engine: Engine) -> None:
    """Bring the schema to the newest revision, in one transaction; nothing when it is there."""
    with one_migration(engine) as connection:
        _lock(connection)
        command.upgrade(alembic_config(connection), "head")


@contextmanager
def one_migration(engine: Engine) -> Iterator[Connection]:
    """A transaction in which Alembic may run: one at a time in this process."""
    with _one_at_a_time, engine.begin() as connection:
        yield connection


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration, whose commands work over `connection`."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def revisions() -> list[str]:
    """Every revision of the schema that this version has a migration to, the newest last."""
    scripts = ScriptDirectory(str(_MIGRATIONS)).walk_revisions()
    return [script.revision for script in scripts][::-1]


def _lock(connection: Connection) -> None:
    # SQLite's writer began with BEGIN IMMEDIATE, which is lock enough.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
