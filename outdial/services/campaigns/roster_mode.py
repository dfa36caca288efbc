"""Whom a revision adds and removes."""

from __future__ import annotations

from enum import StrEnum


class RosterMode(StrEnum):
    """What becomes of the roster when a definition is applied."""

    KEEP = "keep"
    """Nobody is added or removed; the recipients of the definition are not read."""
    ADD = "add"
    """Who is new is added, and all get the values of their rows. Nobody is removed."""
    MATCH = "match"
    """As `add`; people who are not among the recipients of the definition are removed."""
