"""Limits in the middle of their time: most of what they allow was asked elsewhere."""

from __future__ import annotations

from sqlalchemy import update

from outdial.store.db.database import Database
from outdial.store.db.tables import rate_count


async def asked_elsewhere(database: Database, used: int, names: str = "%") -> None:
    """Other processes have counted so many requests: in the database, where limits are kept.

    `names` is a pattern (SQL LIKE) of limits that have been counted for at least once.
    """
    counted = update(rate_count).where(rate_count.c.name.like(names)).values(used=used)
    changed = await database.write(lambda s: s.connection().execute(counted).rowcount)
    assert changed, names
