"""Telephone numbers in a CSV file, such as a do-not-call list."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from outdial.domain.definition.fields import describe_value
from outdial.domain.definition.source import UNKNOWN_REGION
from outdial.domain.numbers.phone import BadPhone, parse_phone
from outdial.domain.spreadsheets import unescape_cell
from outdial.intake.contacts.delimiter import sniff_delimiter
from outdial.intake.contacts.table import CsvLines, NotOpened, NotReadable, RowLines
from outdial.intake.problems import DefinitionInvalid, Problem, ProblemList

_AREA, _LOCAL = re.compile(r"[2-9][0-9]{2}"), re.compile(r"[0-9]{7}")


@dataclass(frozen=True, slots=True)
class NumberList:
    """What a file of numbers holds."""

    numbers: tuple[str, ...]
    """E.164 of those that can be read, each once, in their order."""
    problems: tuple[Problem, ...] = ()
    omitted: int = 0
    """Problems beyond those kept."""


def read_numbers(path: Path, *, column: str = "phone", region: str | None = None) -> NumberList:
    """The numbers of a column, and what is wrong with those that can't be read: for a list of
    people who must not be called, some are better than none.

    A file without a header may hold nothing but numbers, one a line, or area codes and numbers
    of seven digits, as the National Do Not Call Registry has them. Raises DefinitionInvalid for a
    file that holds no list.
    """
    file, problems = str(path), ProblemList()
    numbers: dict[str, None] = {}
    try:
        for line, at, text, of in _cells(path, file, column, region or UNKNOWN_REGION):
            if not text:
                continue
            try:
                numbers[parse_phone(text, of)] = None
            except BadPhone as error:
                problems.add(Problem(file, line, at, column, error.code, str(error)))
    except NotReadable as error:
        problems.add(Problem(file, error.line, 1, "file", error.code, error.message))
    except csv.Error as error:
        problems.add(Problem(file, 1, 1, "file", "csv_syntax", f"found what is no CSV: {error}"))
    except NotOpened as error:
        raise DefinitionInvalid([Problem(file, 1, 1, "file", error.code, str(error))]) from error
    return NumberList(tuple(numbers), tuple(problems), problems.omitted)


def _cells(path: Path, file: str, column: str, region: str) -> Iterator[tuple[int, int, str, str]]:
    """Line, column, text and region of each number."""
    lines = iter(CsvLines(path))
    first, delimiter = sniff_delimiter(lines, column)
    bounded = RowLines(chain(first, lines))
    rows = csv.reader(bounded, delimiter=delimiter)
    header: list[str] = []
    while not any(header):
        row = next(rows, None)
        if row is None:
            break
        header = [cell.strip() for cell in row]
        bounded.begin(rows.line_num + 1)
    start = rows.line_num

    def numbered() -> Iterator[tuple[int, list[str]]]:
        for row in rows:
            yield rows.line_num, row
            bounded.begin(rows.line_num + 1)

    more = numbered()
    listed: Iterator[tuple[int, list[str]]]
    if column in header:
        at, listed = header.index(column), more
    elif _is_area_and_number(header):
        for line, row in chain([(start, header)], more):
            cells = [cell.strip() for cell in row]
            whole = len(cells) > 1 and cells[0] and cells[1]
            yield line, 1, f"{cells[0]}{cells[1]}" if whole else "".join(cells[:1]), "US"
        return
    elif len(header) == 1 and any(letter.isdigit() for letter in header[0]):
        at, listed = 0, chain([(start, header)], more)
    else:
        names = ", ".join(filter(None, header)) or "nothing"
        message = (
            f"found no column {describe_value(column)}, only {names}; name the one with --column"
        )
        raise DefinitionInvalid(
            [Problem(file, max(start, 1), 1, column, "missing_column", message)]
        )
    for line, row in listed:
        yield line, at + 1, unescape_cell(row[at].strip()) if at < len(row) else "", region


def _is_area_and_number(row: list[str]) -> bool:
    return (
        len(row) >= 2
        and not any(row[2:])
        and _AREA.fullmatch(row[0]) is not None
        and _LOCAL.fullmatch(row[1]) is not None
    )
