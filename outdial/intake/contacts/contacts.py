"""Reads a contact file (CSV) row by row.

Every problem is placed by the number of its line in the file and, for the column, by the number
of the field in the row, both from 1: whoever repairs a row in a spreadsheet counts in fields. A
row that spans several lines is placed by its first.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from outdial.domain.definition.fields import describe_value
from outdial.domain.definition.source import CsvSource
from outdial.domain.spreadsheets import unescape_cell
from outdial.intake.contacts.columns import ColumnFinder, ColumnRoles
from outdial.intake.contacts.csv_lines import CsvLines, NotOpened, NotReadable
from outdial.intake.contacts.rows import Cell, SourceRow, split_numbers
from outdial.intake.problems import Problem
from outdial.intake.yaml.source_map import SourceMap

DELIMITERS = (",", ";", "\t")
_NAMED_DELIMITER = re.compile(r'\s*"?sep=([^\w\s"]|\t)"?[\s,;]*', re.IGNORECASE)
_QUOTE_NEVER_CLOSED = "found a quote that is never closed; close it"
_CSV_WORDING = {
    "unexpected end of data": _QUOTE_NEVER_CLOSED,
    "field larger than field limit": (
        f"found a value of more than {csv.field_size_limit()} characters; "
        "a quote is probably opened here and never closed"
    ),
    "expected after": "found text after a closing quote; double the quotes inside a value",
    "new-line character": "found a lone carriage return; save the file with other line ends",
}
_HOPELESS = ("unexpected end of data", "field larger than field limit")
"""Whatever follows is not the row it looks like."""


def read_contacts(
    source: CsvSource, base: Path, source_map: SourceMap
) -> Iterator[SourceRow | Problem]:
    """The rows of a contact file, and what is wrong with those that can't be read."""
    return _ContactFile(source, base / source.csv, source_map).rows()


class _ContactFile:
    def __init__(self, source: CsvSource, path: Path, source_map: SourceMap) -> None:
        self._source = source
        self._source_map = source_map
        self._lines = CsvLines(path)
        self._file = str(path)
        self._name = path.name
        self._delimiter = ","
        self._width = 0
        """Of the header, columns without names included."""

    def rows(self) -> Iterator[SourceRow | Problem]:
        try:
            yield from self._table()
        except NotOpened as error:
            yield self._source_map.problem(("recipients", "csv"), error.code, str(error))
        except NotReadable as error:
            yield Problem(self._file, error.line, 1, "file", error.code, error.message)
        bad = self._lines.bad_byte
        if bad is not None:
            yield Problem(
                self._file,
                bad.line,
                bad.before.count(self._delimiter) + 1,
                "file",
                "not_utf8",
                f"found the byte 0x{bad.byte:02x}, which is not UTF-8; save the file as UTF-8",
            )

    def _table(self) -> Iterator[SourceRow | Problem]:
        header: list[str] = []
        roles: ColumnRoles | None = None
        line, rows = 1, 0
        for found in self._records():
            if isinstance(found, Problem):
                yield found
                if roles is None:
                    return
                rows += 1
                continue
            line, record = found
            if roles is not None:
                rows += 1
                yield self._row(line, record, header, roles)
                continue
            self._width = len(record)
            header = _named([name.strip() for name in record])
            finder = ColumnFinder(self._source, header, self._source_map, self._file, line)
            roles = finder.roles()
            yield from finder.problems
            if roles is None:
                return
        if roles is None:
            message = "found an empty file; write a row of column names, then one row a person"
            yield Problem(self._file, 1, 1, "file", "empty_file", message)
        elif not rows:
            message = "found nobody below the column names; write one row a person"
            yield Problem(self._file, line, 1, "file", "no_rows", message)

    def _records(self) -> Iterator[tuple[int, list[str]] | Problem]:
        """Rows that are not blank, with the number of their first line."""
        lines = self._sniffed()
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True, skipinitialspace=True)
        while True:
            line = reader.line_num + 1
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Problem(self._file, line, 1, "row", "csv_syntax", _csv_wording(str(error)))
                if str(error).startswith(_HOPELESS):
                    return
                continue
            if any(cell and not cell.isspace() for cell in record):
                yield line, record

    def _sniffed(self) -> Iterator[str]:
        """The lines, once the delimiter is known from the first that is not blank."""
        lines = iter(self._lines)
        first, self._delimiter = sniff_delimiter(lines, self._source.columns.phone)
        return chain(first, lines)

    def _row(
        self, line: int, record: list[str], header: list[str], roles: ColumnRoles
    ) -> SourceRow | Problem:
        cells = [unescape_cell(cell.strip()) for cell in record]
        if len(cells) > len(header) and not any(cells[len(header) :]):
            cells = cells[: len(header)]
        extra = range(len(header), len(cells)) if len(cells) <= self._width else ()
        if len(cells) != len(header) + len(extra):
            return self._ragged(line, len(cells), len(header))
        for index in (*roles.unnamed, *extra):
            if cells[index]:
                message = (
                    f"found {describe_value(cells[index])} in a column without a name; name it"
                )
                name = f"column {index + 1}"
                return Problem(self._file, line, index + 1, name, "unnamed_column", message)

        def cell(index: int) -> Cell:
            return Cell(header[index], cells[index], line, index + 1)

        zone = roles.time_zone
        return SourceRow(
            file=self._file,
            label=f"line {line} of {self._name}",
            phone=cell(roles.phone),
            alternates=tuple(
                number for index in roles.alternates for number in split_numbers(cell(index))
            ),
            time_zone=cell(zone) if zone is not None and cells[zone] else None,
            postal_code=_cell(cells, roles.postal_code),
            state=_cell(cells, roles.state),
            consent=tuple((part, cell(at)) for part, at in roles.consent if cells[at]),
            variables={header[index]: cells[index] for index in roles.variables},
        )

    def _ragged(self, line: int, found: int, expected: int) -> Problem:
        if found > expected:
            name = {"\t": "a tab"}.get(self._delimiter, f"a {self._delimiter!r}")
            column, right = expected + 1, f"put quotes around a value that holds {name}"
        else:
            column, right = found + 1, "write an empty field for what is not known"
        fields = "1 field" if found == 1 else f"{found} fields"
        message = f"found {fields} where the header has {expected}; {right}"
        return Problem(self._file, line, column, "row", "ragged_row", message)


def _named(header: list[str]) -> list[str]:
    """Without the columns at the end that have no names, as spreadsheets leave them behind."""
    while len(header) > 1 and not header[-1]:
        header = header[:-1]
    return header


def _cell(cells: list[str], index: int | None) -> str | None:
    return (cells[index] or None) if index is not None else None


def sniff_delimiter(lines: Iterator[str], phone_column: str) -> tuple[list[str], str]:
    """The lines up to the first that holds something, which are to be read again, and the
    delimiter: a line `sep=;`, as Excel writes and reads it, names it and is left blank."""
    first: list[str] = []
    for line in lines:
        named = _NAMED_DELIMITER.fullmatch(line.rstrip("\r\n"))
        if named is not None:
            return [*first, "\n"], named.group(1)
        first.append(line)
        if line.strip():
            return first, _sniff(line, phone_column)
    return first, DELIMITERS[0]


def _sniff(header: str, phone_column: str) -> str:
    """The delimiter under which the header has the phone's column, else the most columns."""

    def merit(delimiter: str) -> tuple[bool, int]:
        try:
            names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter))]
        except csv.Error:
            return False, 0
        return phone_column in names, len(names)

    return max(DELIMITERS, key=merit)


def _csv_wording(message: str) -> str:
    for part, wording in _CSV_WORDING.items():
        if part in message:
            return wording
    return f"found something that is not CSV: {message}; check the quotes"
