"""One row of a roster: as it was written, and as its check left it."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from outdial.domain.rules.location import LocatedDraft, RecipientKind
from outdial.intake.contacts.cells import Cell
from outdial.intake.problems import Problem
from outdial.intake.templates.templates import ProblemKey

NO_NUMBER = 0
"""In place of the number of a row that has none."""

KeyedProblem = tuple[Problem, ProblemKey | None]
"""With a key, one that is to be reported once for all rows."""


class RowCells(Protocol):
    """Where the values of a row are written."""

    def label(self) -> str:
        """How a problem names the row, such as `line 5 of contacts.csv`."""
        ...

    def phone(self) -> Cell: ...

    def alternate(self, index: int) -> Cell: ...

    def time_zone(self) -> Cell: ...

    def consent(self, part: str) -> Cell: ...


class WrittenRow(NamedTuple):
    """A row as it was written; a value that is None was left empty."""

    position: int
    phone: str
    alternates: Sequence[str]
    time_zone: str | None
    postal_code: str | None
    state: str | None
    consent: Mapping[str, str]
    """The parts of a consent by their names, such as `proof`, without empty ones."""
    variables: dict[str, str]
    cells: RowCells


@dataclass(frozen=True, slots=True)
class FaultyRow:
    """A row that cannot be enrolled."""

    number: str | None
    """E.164; None when it can't be read."""
    problems: tuple[KeyedProblem, ...]
    """None of them is new where a template fails for every row alike."""
    of_values: int
    """How many of the problems are of what is written, before those of what is made of it."""


LocatedRow = tuple[LocatedDraft, RecipientKind | str]
"""A row in which nothing is wrong: the recipient, with its kind."""


@dataclass(slots=True)
class CheckedRows:
    """What the check of some rows gave; a row is named by its place among them, from 0."""

    recipients: list[LocatedDraft] = field(default_factory=list)
    """Of the rows in which nothing is wrong, in their order."""
    kinds: list[RecipientKind | str] = field(default_factory=list)
    """Each once."""
    kind_of: array[int] = field(default_factory=lambda: array("I"))
    """By recipient, the place of its kind among `kinds`."""
    numbers: array[int] = field(default_factory=lambda: array("Q"))
    """By row, the digits of its number; one text for all forms of a subscriber's number."""
    faulty: dict[int, FaultyRow] = field(default_factory=dict)
