"""Writes migrations: what the tables have and a database at the newest revision lacks.

`make revision MESSAGE="…"` runs it. The file is a draft: data that has to be kept is moved by hand.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from outdial.store.db.engines import database_url, sqlite_engine
from outdial.store.db.migrate import alembic_config, one_migration, upgrade
from outdial.store.db.tables import metadata


def main() -> None:
    message = " ".join(sys.argv[1:]).strip()
    if not message:
        raise SystemExit('MESSAGE is missing: make revision MESSAGE="what the tables get"')
    with _newest_schema() as engine:
        if not _differences(engine):
            raise SystemExit("The migrations lead to the tables as they are: nothing to write.")
        write_revision(engine, message)


def write_revision(engine: Engine, message: str) -> Path:
    """Write the next revision: what the tables have and the database at `engine` lacks."""
    with one_migration(engine) as connection:
        config = alembic_config(connection)
        head = ScriptDirectory.from_config(config).get_current_head() or "0000"
        script: Any = command.revision(
            config, message, autogenerate=True, rev_id=f"{int(head) + 1:04}"
        )
    return Path(script.path)


def missing_migration(newest: Engine | None = None) -> str | None:
    """What the tables have and no migration adds, for people; None when nothing is missing.

    `newest` is a database that every migration has gone over, if there is one.
    """
    with _newest_schema() if newest is None else nullcontext(newest) as engine:
        lacking = _differences(engine)
    if not lacking:
        return None
    return (
        f"no migration for: {'; '.join(lacking)}. "
        'Write one with make revision MESSAGE="what the tables get"'
    )


def _differences(engine: Engine) -> list[str]:
    with engine.begin() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    return [" ".join(_in_words(each)) for each in differences]


def _in_words(difference: Any) -> Iterator[str]:
    """`add_column campaign.per_hour`; alembic gives a tuple, or a list of them for one column."""
    if isinstance(difference, list):
        for each in difference:
            yield from _in_words(each)
        return
    action, *rest = difference
    names = [str(getattr(each, "name", each)) for each in rest if each is not None]
    yield " ".join([action, ".".join(names)])


@contextmanager
def _newest_schema() -> Iterator[Engine]:
    """A new SQLite file that every migration has gone over."""
    with tempfile.TemporaryDirectory(prefix="outdial-revision-") as folder:
        url = database_url(f"sqlite:///{folder}/outdial.db")
        engine = sqlite_engine(url, echo=False, writes=True)
        try:
            upgrade(engine)
            yield engine
        finally:
            engine.dispose()


if __name__ == "__main__":
    main()
