"""What is said when the database is not the one this version was written for."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError


def wrong_schema(error: DBAPIError) -> str:
    """One line for people. The driver's first line names a table or a column, and no data."""
    found = (str(error.orig).splitlines() or ["it refused a query"])[0]
    return f"the database is not at this version's schema ({found}); run `outdial migrate` first"
