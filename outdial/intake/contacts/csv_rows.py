"""Rows of a contact file as rows of a roster: which field is what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from outdial.domain.definition.fields import describe_value
from outdial.domain.spreadsheets import unescape_cell
from outdial.intake.contacts.cells import Cell, split_numbers
from outdial.intake.contacts.columns import ColumnRoles
from outdial.intake.contacts.rows import CheckedRows, FaultyRow, RowChecker, WrittenRow
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import Problem

_NO_CONSENT: dict[str, str] = {}


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


class CsvRowChecker:
    """Checks rows of one contact file."""

    def __init__(self, loaded: LoadedDefinition, layout: CsvLayout) -> None:
        self._layout = layout
        self._checker = RowChecker(loaded)
        self._variables = [(layout.header[index], index) for index in layout.roles.variables]

    def check(
        self, position: int, lines: Sequence[int], records: Sequence[list[str]]
    ) -> CheckedRows:
        """Check rows that follow each other, from a position on."""
        return self._checker.check_rows(self._rows(position, lines, records))

    def _rows(
        self, position: int, lines: Sequence[int], records: Sequence[list[str]]
    ) -> Iterator[WrittenRow | FaultyRow]:
        for at, (line, record) in enumerate(zip(lines, records, strict=True), start=position):
            yield self._row(at, line, record)

    def _row(self, position: int, line: int, record: list[str]) -> WrittenRow | FaultyRow:
        layout = self._layout
        roles, columns = layout.roles, len(layout.header)
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
            {name: texts[index] for name, index in self._variables},
            _CsvCells(layout, line, texts),
        )

    def _misshapen(self, line: int, texts: list[str]) -> Problem | None:
        """What is wrong with a row that has other fields than the header."""
        layout = self._layout
        columns = len(layout.header)
        if len(texts) > columns and not any(texts[columns:]):
            texts = texts[:columns]
        extra = range(columns, len(texts)) if len(texts) <= layout.width else ()
        if len(texts) != columns + len(extra):
            return self._ragged(line, len(texts), columns)
        for index in (*layout.roles.unnamed, *extra):
            if texts[index]:
                message = (
                    f"found {describe_value(texts[index])} in a column without a name; name it"
                )
                name = f"column {index + 1}"
                return Problem(layout.file, line, index + 1, name, "unnamed_column", message)
        return None

    def _ragged(self, line: int, count: int, expected: int) -> Problem:
        if count > expected:
            name = {"\t": "a tab"}.get(self._layout.delimiter, f"a {self._layout.delimiter!r}")
            column, right = expected + 1, f"put quotes around a value that holds {name}"
        else:
            column, right = count + 1, "write an empty field for what is not known"
        fields = "1 field" if count == 1 else f"{count} fields"
        message = f"found {fields} where the header has {expected}; {right}"
        return Problem(self._layout.file, line, column, "row", "ragged_row", message)


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


def cell_text(field: str) -> str:
    """What a field of a contact file holds."""
    return unescape_cell(field.strip())
