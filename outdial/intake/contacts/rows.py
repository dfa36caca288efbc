"""One row of a source as it was written, before it is checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_BETWEEN_NUMBERS = re.compile(r"[;|]")


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as it was written, and where."""

    field: str
    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One recipient as written: in a contact file, a definition, or a request."""

    file: str
    label: str
    """How a problem names it, such as `line 5 of contacts.csv`."""
    phone: Cell
    alternates: tuple[Cell, ...] = ()
    time_zone: Cell | None = None
    postal_code: str | None = None
    state: str | None = None
    consent: tuple[tuple[str, Cell], ...] = ()
    """The parts of a consent by their names, such as `proof`; empty ones are left out."""
    variables: dict[str, str] = field(default_factory=dict)
    """Every other value of the row."""


def split_numbers(cell: Cell) -> Iterator[Cell]:
    """The telephone numbers of one cell, separated by `;` or `|`; empty parts are left out."""
    for part in _BETWEEN_NUMBERS.split(cell.text):
        if part.strip():
            yield Cell(cell.field, part.strip(), cell.line, cell.column)
