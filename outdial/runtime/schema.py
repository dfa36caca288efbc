"""The message for a database whose schema is not this version's."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError


def wrong_schema(error: DBAPIError) -> str:
    """One line for people. The driver's first line names a table or a column, and no data."""
    detail = (str(error.orig).splitlines() or ["it refused a query"])[0]
    return f"the database is not at this version's schema ({detail}); run `outdial migrate` first"
