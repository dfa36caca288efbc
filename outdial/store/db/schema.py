"""The revision of a database's schema, beside the newest one that this version has."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session


@dataclass(frozen=True, slots=True)
class SchemaState:
    present: str | None
    """None: the database has no tables of ours."""
    newest: str
    recognized: bool
    """Whether this version has a migration to the present revision; False for one of a later
    version."""


def read_schema(s: Session) -> SchemaState:
    # Alembic takes long to import, and most commands need none of it.
    from alembic.migration import MigrationContext

    from outdial.store.db.migrate import revisions

    all_revisions = revisions()
    present = MigrationContext.configure(s.connection()).get_current_revision()
    return SchemaState(present, all_revisions[-1], present in all_revisions)
