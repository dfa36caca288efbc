"""What an engine of another process wrote down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from outdial.store.db.database import Database


@dataclass(frozen=True)
class Records:
    url: str

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        database = Database(self.url)
        try:
            return database.read_sync(
                lambda s: [tuple(row) for row in s.connection().execute(text(query))]
            )
        finally:
            database.dispose()

    def count(self, query: str) -> int:
        database = Database(self.url)

        def ask(s: Session) -> int:
            return int(s.connection().execute(text(query)).scalar_one())

        try:
            return database.read_sync(ask)
        finally:
            database.dispose()
