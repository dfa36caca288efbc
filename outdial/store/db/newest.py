"""The newest revision of the schema, by the names of the migrations: without Alembic, which takes
long to import."""

from __future__ import annotations

from pathlib import Path

VERSIONS = Path(__file__).parent / "migrations" / "versions"


def newest_revision() -> str:
    """The number of the newest migration, such as `0036`: the schema that this version works on."""
    return max(path.name for path in VERSIONS.glob("[0-9]*.py")).partition("_")[0]
