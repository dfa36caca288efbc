"""What is wrong with a definition or a contact file, where, and what would be right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from outdial.domain.errors import OutdialError

MAX_PROBLEMS = 1000
"""Kept of one source. Whoever has a thousand has one reason for them, and memory is finite."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. Its text may hold what was found, a telephone number included:
    it is for the one who wrote the file, never for a log."""

    file: str
    line: int
    """From 1."""
    column: int
    """From 1: the character in a definition, the field in a row of a contact file."""
    field: str
    """Dotted path of the key, or the name of the column."""
    code: str
    """Which kind of problem it is; unlike the message it never changes."""
    message: str
    """What was found, what would be right."""

    def __str__(self) -> str:
        """One line, whatever names the files hold."""
        text = f"{self.file}:{self.line}:{self.column}: {self.field}: {self.message}"
        if text.isprintable():
            return text
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class ProblemList:
    """Collects problems; beyond `MAX_PROBLEMS` it only counts."""

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self._kept: list[Problem] = []
        self.omitted = 0
        self.extend(problems)

    def add(self, problem: Problem) -> None:
        if len(self._kept) < MAX_PROBLEMS:
            self._kept.append(problem)
        else:
            self.omitted += 1

    def extend(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self.add(problem)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._kept)

    def __len__(self) -> int:
        """How many were added, the omitted ones included."""
        return len(self._kept) + self.omitted


def problem_lines(problems: Iterable[Problem], omitted: int = 0) -> list[str]:
    """One line a problem, and a last one for those that were not kept."""
    lines = [str(problem) for problem in problems]
    return [*lines, f"and {omitted} more"] if omitted else lines


class DefinitionInvalid(OutdialError):
    """A definition or its contacts can't be used; carries every problem found."""

    code = "definition_invalid"

    def __init__(self, problems: Iterable[Problem], omitted: int = 0) -> None:
        self.problems = tuple(problems)
        self.omitted = omitted
        super().__init__(self.problems, omitted)

    def __str__(self) -> str:
        return "\n".join(problem_lines(self.problems, self.omitted))
