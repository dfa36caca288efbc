"""What a process of its own does in the test of migrations."""

from __future__ import annotations

from outdial.store.db.database import Database


def migrate(url: str) -> str:
    database = Database(url)
    try:
        database.migrate()
    finally:
        database.dispose()
    return "done"
