"""Where the values of a recipient are written: cells of a contact file, or keys of a definition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from outdial.intake.problems import Problem

_BETWEEN_NUMBERS = re.compile(r"[;|]")


@dataclass(frozen=True, slots=True)
class Cell:
    """The place of a value."""

    file: str
    field: str
    line: int
    column: int

    def problem(self, code: str, message: str) -> Problem:
        """A problem of the value that is written there."""
        return Problem(self.file, self.line, self.column, self.field, code, message)


LocatedText = tuple[str, Cell]
"""A text as it was written, and where."""


def split_numbers(text: str) -> Iterator[str]:
    """The telephone numbers of one cell, separated by `;` or `|`; empty parts are left out."""
    for part in _BETWEEN_NUMBERS.split(text):
        if part.strip():
            yield part.strip()
