"""Contact files (CSV), read row by row, and which field of a row is what; a file of any size can be
read.

Every problem is placed by the number of its line in the file and, for the column, by the number
of the field in the row, both from 1: whoever repairs a row in a spreadsheet counts in fields. A
row that spans several lines is placed by its first.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from outdial.domain.definition.fields import describe_value
from outdial.domain.definition.source import CsvSource
from outdial.domain.errors import OutdialError
from outdial.domain.spreadsheets import unescape_cell
from outdial.intake.contacts.cells import Cell, LocatedText, split_numbers
from outdial.intake.contacts.columns import ColumnFinder, ColumnRoles
from outdial.intake.contacts.delimiter import sniff_delimiter
from outdial.intake.contacts.row import FaultyRow, WrittenRow
from outdial.intake.problems import Problem
from outdial.intake.yaml.source_map import SourceMap

MAX_LINE = 1_000_000
"""Bytes of a line, and characters of a row that spans several. What is longer is no row of
contacts; the file is read no further, to bound memory."""
MAX_CHUNK = 4_000_000
"""Characters of the file after which a chunk ends, however few rows it has."""
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
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
_SYNTAX = "csv_syntax"
_NO_CONSENT: dict[str, str] = {}
_Row = tuple[int, list[str]]
"""The number of its first line, and its fields."""


class NotOpened(OutdialError):
    """The file can't be opened; says what was found and what would be right."""

    code = "csv_not_opened"


class NotReadable(OutdialError):
    """The file can't be read beyond a line."""

    code = "csv_not_readable"

    def __init__(self, line: int, message: str) -> None:
        super().__init__(line, message)
        self.line, self.message = line, message


@dataclass(frozen=True, slots=True)
class BadByte:
    """A byte that is not UTF-8."""

    line: int
    byte: int
    before: str
    """What stands before it in its line."""


class CsvLines:
    """Iterates over the lines of a file. Bytes that are not UTF-8 are replaced, and the first is
    kept in `bad_byte`: a file in another encoding has one mistake, not thousands."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.bad_byte: BadByte | None = None

    def __iter__(self) -> Iterator[str]:
        """Raises NotOpened, NotReadable."""
        try:
            stream = self._path.open("rb")
        except FileNotFoundError:
            raise NotOpened(f"found no file {str(self._path)!r}; check the path") from None
        except IsADirectoryError:
            raise NotOpened(f"found a folder, {str(self._path)!r}; name the file in it") from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise NotOpened(f"found a file that can't be read: {reason}") from error
        with stream:
            number = 0
            while data := stream.readline(MAX_LINE + 1):
                number += 1
                yield self._decode(data, number)

    def _decode(self, data: bytes, number: int) -> str:
        if number == 1:
            if data.startswith(_UTF16_MARKS):
                raise NotReadable(1, "found UTF-16; save the file as UTF-8 (in Excel: CSV UTF-8)")
            data = data.removeprefix(_UTF8_MARK)
        if len(data) > MAX_LINE:
            raise NotReadable(number, f"found a line of more than {MAX_LINE} bytes; break it up")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            text = data.decode("utf-8", errors="replace")
            if self.bad_byte is None:
                before = data[: error.start].decode("utf-8")
                self.bad_byte = BadByte(number, data[error.start], before)
            return text


class RowLines:
    """Iterates over lines for a CSV reader, and bounds those of one row: the reader keeps them in
    memory."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines
        self._line, self._before = 1, 0
        self.characters = 0
        """All that were read."""

    def begin(self, line: int) -> None:
        """The next line is the first of a row."""
        self._line, self._before = line, self.characters

    def __iter__(self) -> Iterator[str]:
        """Raises NotReadable, and what the lines raise."""
        for text in self._lines:
            self.characters += len(text)
            if self.characters - self._before > MAX_LINE:
                raise NotReadable(
                    self._line,
                    f"found a row of more than {MAX_LINE} characters; "
                    "a quote is probably opened here and never closed",
                )
            yield text


@dataclass(frozen=True, slots=True)
class CsvLayout:
    """What is known of a contact file once its header is read."""

    file: str
    name: str
    """Of the file, without its folders."""
    delimiter: str
    header: tuple[str, ...]
    """Without the columns at the end that have no names."""
    width: int
    """Of the header, columns without names included."""
    roles: ColumnRoles
    variables: tuple[tuple[str, int], ...]
    """Names of variables, with the positions of their columns."""

    def row(self, position: int, line: int, record: list[str]) -> WrittenRow | FaultyRow:
        """What the fields of a record hold; faulty, when they don't match the header."""
        roles, columns = self.roles, len(self.header)
        texts = list(map(str.strip, record))
        if "'" in "".join(texts):
            texts = list(map(unescape_cell, texts))
        if len(texts) != columns or roles.unnamed:
            problem = self._misshapen(line, texts)
            if problem is not None:
                return FaultyRow(None, ((problem, None),), 1)
        zone, postal_code, state = roles.time_zone, roles.postal_code, roles.state
        alternates: list[str] = []
        for index in roles.alternates:
            alternates += split_numbers(texts[index])
        consent = _NO_CONSENT
        if roles.consent:
            consent = {part: texts[index] for part, index in roles.consent if texts[index]}
        return WrittenRow(
            position,
            texts[roles.phone],
            alternates,
            (texts[zone] or None) if zone is not None else None,
            (texts[postal_code] or None) if postal_code is not None else None,
            (texts[state] or None) if state is not None else None,
            consent,
            {name: texts[index] for name, index in self.variables},
            _CsvCells(self, line, texts),
        )

    def _misshapen(self, line: int, texts: list[str]) -> Problem | None:
        """What is wrong with a row that has other fields than the header."""
        columns = len(self.header)
        if len(texts) > columns and not any(texts[columns:]):
            texts = texts[:columns]
        extra = range(columns, len(texts)) if len(texts) <= self.width else ()
        if len(texts) != columns + len(extra):
            return self._ragged(line, len(texts), columns)
        for index in (*self.roles.unnamed, *extra):
            if texts[index]:
                message = (
                    f"found {describe_value(texts[index])} in a column without a name; name it"
                )
                name = f"column {index + 1}"
                return Problem(self.file, line, index + 1, name, "unnamed_column", message)
        return None

    def _ragged(self, line: int, count: int, expected: int) -> Problem:
        if count > expected:
            name = {"\t": "a tab"}.get(self.delimiter, f"a {self.delimiter!r}")
            column, right = expected + 1, f"put quotes around a value that holds {name}"
        else:
            column, right = count + 1, "write an empty field for what is not known"
        fields = "1 field" if count == 1 else f"{count} fields"
        message = f"found {fields} where the header has {expected}; {right}"
        return Problem(self.file, line, column, "row", "ragged_row", message)


class _CsvCells:
    """Where the values of one row are written."""

    __slots__ = ("_layout", "_line", "_texts")

    def __init__(self, layout: CsvLayout, line: int, texts: list[str]) -> None:
        self._layout, self._line, self._texts = layout, line, texts

    def label(self) -> str:
        return f"line {self._line} of {self._layout.name}"

    def phone(self) -> Cell:
        return self._cell(self._layout.roles.phone)

    def alternate(self, index: int) -> Cell:
        columns = [
            at for at in self._layout.roles.alternates for _ in split_numbers(self._texts[at])
        ]
        return self._cell(columns[index])

    def time_zone(self) -> Cell:
        column = self._layout.roles.time_zone
        assert column is not None
        return self._cell(column)

    def consent(self, part: str) -> Cell:
        return self._cell(dict(self._layout.roles.consent)[part])

    def _cell(self, index: int) -> Cell:
        return Cell(self._layout.file, self._layout.header[index], self._line, index + 1)


@dataclass(slots=True)
class CsvChunk:
    """The next rows of a contact file, as they are written."""

    position: int
    """Of its first row among the rows of the file."""
    layout: CsvLayout | None
    """None before the header is read, when there are no rows."""
    lines: list[int] = field(default_factory=list)
    """By row, the number of its first line."""
    records: list[list[str]] = field(default_factory=list)
    """By row, its fields."""
    problems: list[tuple[int, Problem]] = field(default_factory=list)
    """What was found while reading, each with the place among the rows that it comes before."""
    unread: int = 0
    """Rows that are no rows of a table: they are among the problems alone."""

    def rows(self) -> Iterator[WrittenRow | FaultyRow]:
        """What its records hold, in their order."""
        if self.layout is not None:
            numbered = zip(self.lines, self.records, strict=True)
            for position, (line, record) in enumerate(numbered, start=self.position):
                yield self.layout.row(position, line, record)

    def phone(self, at: int) -> LocatedText:
        """The number that a row has, as it was written."""
        assert self.layout is not None
        index = self.layout.roles.phone
        cell = Cell(self.layout.file, self.layout.header[index], self.lines[at], index + 1)
        return cell_text(self.records[at][index]), cell


class ContactTable:
    """Reads a contact file."""

    def __init__(self, source: CsvSource, path: Path, source_map: SourceMap) -> None:
        self._source = source
        self._source_map = source_map
        self._path = path
        self._lines = CsvLines(path)
        self._row_lines = RowLines(())
        self._file = str(path)
        self._delimiter = ","

    def chunks(self, size: int) -> Iterator[CsvChunk]:
        """Its rows, `size` at a time, or fewer long ones. What is wrong with the file is in the
        last chunk."""
        chunk, before = CsvChunk(0, None), 0
        for each in self._rows():
            if isinstance(each, CsvLayout):
                chunk.layout = each
            elif isinstance(each, Problem):
                chunk.problems.append((len(chunk.lines), each))
                chunk.unread += each.code == _SYNTAX
            else:
                line, record = each
                chunk.lines.append(line)
                chunk.records.append(record)
            many = len(chunk.lines) + len(chunk.problems) >= size
            long = self._row_lines.characters - before >= MAX_CHUNK
            if many or (long and chunk.lines):
                yield chunk
                chunk = CsvChunk(chunk.position + len(chunk.lines), chunk.layout)
                before = self._row_lines.characters
        if chunk.lines or chunk.problems:
            yield chunk

    def layout(self) -> CsvLayout | None:
        """What its header says; None for a file whose rows can't be read."""
        first = next((each for each in self._rows() if not isinstance(each, Problem)), None)
        return first if isinstance(first, CsvLayout) else None

    def _rows(self) -> Iterator[_Row | CsvLayout | Problem]:
        if _endless(self._path):
            # It could be read once, and reading may never end.
            message = f"found a pipe or a device, {str(self._path)!r}; save the contacts in a file"
            yield self._source_map.problem(("recipients", "csv"), NotOpened.code, message)
            return
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

    def _table(self) -> Iterator[_Row | CsvLayout | Problem]:
        records = self._records()
        first = next(records, None)
        if first is None:
            message = "found an empty file; write a row of column names, then one row a person"
            yield Problem(self._file, 1, 1, "file", "empty_file", message)
            return
        if isinstance(first, Problem):
            yield first
            return
        line, record = first
        header = _named([name.strip() for name in record])
        finder = ColumnFinder(self._source, header, self._source_map, self._file, line)
        roles = finder.roles()
        yield from finder.problems
        if roles is None:
            return
        yield self._layout(header, len(record), roles)
        empty = True
        for row in records:
            empty = False
            yield row
        if empty:
            message = "found nobody below the column names; write one row a person"
            yield Problem(self._file, line, 1, "file", "no_rows", message)

    def _layout(self, header: list[str], width: int, roles: ColumnRoles) -> CsvLayout:
        name = self._path.name
        variables = tuple((header[index], index) for index in roles.variables)
        return CsvLayout(self._file, name, self._delimiter, tuple(header), width, roles, variables)

    def _records(self) -> Iterator[_Row | Problem]:
        """Rows that are not blank, with the number of their first line."""
        lines = self._row_lines = RowLines(self._sniffed())
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True, skipinitialspace=True)
        while True:
            line = reader.line_num + 1
            self._row_lines.begin(line)
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Problem(self._file, line, 1, "row", _SYNTAX, _csv_wording(str(error)))
                if str(error).startswith(_HOPELESS):
                    return
                continue
            for cell in record:
                if cell and not cell.isspace():
                    yield line, record
                    break

    def _sniffed(self) -> Iterator[str]:
        """The lines, once the delimiter is known from the first that is not blank."""
        lines = iter(self._lines)
        first, self._delimiter = sniff_delimiter(lines, self._source.columns.phone)
        return chain(first, lines)


def _endless(path: Path) -> bool:
    try:
        return path.is_fifo() or path.is_char_device()
    except OSError:
        return False  # whoever opens it says why it can't be read


def _named(header: list[str]) -> list[str]:
    """Without the columns at the end that have no names, as spreadsheets leave them behind."""
    while len(header) > 1 and not header[-1]:
        header = header[:-1]
    return header


def _csv_wording(message: str) -> str:
    for part, wording in _CSV_WORDING.items():
        if part in message:
            return wording
    return f"found something that is not CSV: {message}; check the quotes"


def cell_text(field: str) -> str:
    """What a field of a contact file holds."""
    return unescape_cell(field.strip())
