"""Telephone numbers in a CSV file, such as a do-not-call list."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from domain.fields import shown
from domain.phone import BadPhone, parse_phone
from domain.source import UNKNOWN_REGION
from domain.spreadsheets import unescape_cell
from intake.problems import DefinitionInvalid, Problem, ProblemList


def read_numbers(path: Path, *, column: str = "phone", region: str | None = None) -> list[str]:
    """E.164 of every number of a column, each once, in their order.

    A file without a header that names the column may hold nothing but numbers, one a line.
    Raises DefinitionInvalid with every problem: a list with one wrong number is not half a list.
    """
    file, problems = str(path), ProblemList()
    numbers: dict[str, None] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            for line, at, text in _cells(csv.reader(stream), file, column):
                if not text:
                    continue
                try:
                    numbers[parse_phone(text, region or UNKNOWN_REGION)] = None
                except BadPhone as error:
                    problems.add(Problem(file, line, at, column, str(error)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        problems.add(Problem(file, 1, 1, "file", f"found a file that can't be read: {reason}"))
    if len(problems):
        raise DefinitionInvalid(problems, problems.omitted)
    return list(numbers)


def _cells(rows: Iterator[list[str]], file: str, column: str) -> Iterator[tuple[int, int, str]]:
    """Line, column and text of each number."""
    first = next(rows, [])
    header = [cell.strip() for cell in first]
    if column in header:
        at = header.index(column)
    elif len(header) == 1 and any(letter.isdigit() for letter in header[0]):
        at = 0
        yield 1, 1, header[0]
    else:
        names = ", ".join(filter(None, header)) or "nothing"
        message = f"found no column {shown(column)}, only {names}; name the one with --column"
        raise DefinitionInvalid([Problem(file, 1, 1, column, message)])
    for line, row in enumerate(rows, start=2):
        yield line, at + 1, unescape_cell(row[at].strip()) if at < len(row) else ""
