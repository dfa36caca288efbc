"""Contact files (CSV): decoded, read row by row, and checked. Every row becomes a recipient's draft
or problems; a file of any size can be read.

Every problem is placed by the number of its line in the file and, for the column, by the number
of the field in the row, both from 1: whoever repairs a row in a spreadsheet counts in fields. A
row that spans several lines is placed by its first.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from outdial.domain.bounds import FREE_FORM, OutOfBounds, dotted, require_within
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.fields import describe_value, parse_zone
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.definition.schedule import TimeZonePolicy
from outdial.domain.definition.source import UNKNOWN_REGION, CsvSource
from outdial.domain.errors import OutdialError
from outdial.domain.numbers.phone import BadPhone, parse_destination, subscriber
from outdial.domain.rules.place import UnknownPlace
from outdial.domain.rules.zone import UnknownZone, zone_evidence
from outdial.domain.spreadsheets import unescape_cell
from outdial.intake.contacts.cells import Cell, LocatedText, split_numbers
from outdial.intake.contacts.columns import ColumnFinder, ColumnRoles
from outdial.intake.contacts.consents import read_consent
from outdial.intake.contacts.delimiter import sniff_delimiter
from outdial.intake.contacts.existing import ExistingAppointments
from outdial.intake.problems import Problem
from outdial.intake.templates.templates import TemplateSet
from outdial.intake.yaml.source_map import SourceMap

MAX_LINE = 1_000_000
"""Bytes. A longer line is no row of contacts; the file is read no further, to bound memory."""
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_LONGEST_PHONE = 40
"""Characters, with all the spaces, brackets and extensions people write."""
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


class RowChecker:
    """Checks rows and makes drafts of them: numbers, zone, variables, no number twice.

    It remembers the numbers of all rows, about a hundred bytes each.
    """

    def __init__(
        self, definition: CampaignDefinition, templates: TemplateSet, existing: ExistingAppointments
    ) -> None:
        self._existing = existing
        source = definition.recipients
        self._region = source.default_region if isinstance(source, CsvSource) else UNKNOWN_REGION
        self._templates = templates
        schedule = definition.schedule
        self._needs_zone = (
            schedule.time_zone_policy is TimeZonePolicy.CALLEE and schedule.time_zone is None
        )
        self._lines: dict[int, int] = {}
        """The first line of each number."""
        self._position = -1

    def check(
        self,
        label: str,
        *,
        phone: LocatedText,
        alternates: Sequence[LocatedText],
        time_zone: LocatedText | None,
        postal_code: str | None,
        state: str | None,
        consent: Mapping[str, LocatedText],
        variables: Mapping[str, str],
    ) -> Sequence[RecipientDraft | Problem]:
        """The draft of the next row, or everything that is wrong with it.

        `label` is how a problem names the row, such as `line 5 of contacts.csv`; `consent` has the
        parts of a consent by their names, such as `proof`, without empty ones.
        """
        self._position += 1
        problems: list[Problem] = []
        number = self._number(phone, problems)
        others = [self._number(each, problems) for each in alternates]
        zone = self._zone(number, phone, time_zone, postal_code, state, problems)
        consented = read_consent(consent, problems)
        if number is not None:
            self._require_new(number, phone, problems)
        given = {
            **variables,
            "phone": number or phone[0],
            "time_zone": zone or "",
            "postal_code": postal_code or "",
            "state": state or "",
        }
        rendered = self._templates.render(given, label)
        problems += rendered.problems
        appointment = self._existing.read(given, label, problems)
        texts = {**variables, **rendered.texts}
        problems += _unstorable(phone[1], texts)
        if number is None or not rendered.complete or problems:
            return problems
        draft = RecipientDraft(
            position=self._position,
            phone=number,
            alternate_phones=_others(number, others),
            time_zone=zone,
            postal_code=postal_code,
            state=state,
            consent=consented,
            appointment_at=appointment.at,
            appointment_uid=appointment.uid,
            appointment_title=appointment.title,
            variables=texts,
        )
        return [draft]

    def _number(self, written: LocatedText, problems: list[Problem]) -> str | None:
        """E.164; None with a problem."""
        text, cell = written
        if not text:
            code, message = (
                "missing",
                "found nothing; write a telephone number such as +12025550123",
            )
        elif len(text) > _LONGEST_PHONE:
            code = BadPhone.code
            message = f"found {describe_value(text)}, which is too long for a telephone number"
        else:
            try:
                return parse_destination(text, self._region)
            except BadPhone as error:
                code, message = error.code, str(error)
        problems.append(cell.problem(code, message))
        return None

    def _zone(
        self,
        number: str | None,
        phone: LocatedText,
        time_zone: LocatedText | None,
        postal_code: str | None,
        state: str | None,
        problems: list[Problem],
    ) -> str | None:
        zone = None
        if time_zone is not None:
            try:
                zone = parse_zone(time_zone[0])
            except ValueError as error:
                problems.append(time_zone[1].problem("wrong_value", str(error)))
                return None
        if number is None:
            return zone
        text, cell = phone
        try:
            zone_evidence(number, own=zone, state=state, postal_code=postal_code)
        except UnknownPlace as error:
            problems.append(cell.problem(error.code, str(error)))
        except UnknownZone as error:
            if self._needs_zone:
                message = (
                    f"found {describe_value(text)}, which tells no time zone; "
                    "write a time_zone for it, or one for all under schedule"
                )
                problems.append(cell.problem(error.code, message))
        return zone

    def _require_new(self, number: str, phone: LocatedText, problems: list[Problem]) -> None:
        text, cell = phone
        key = int(subscriber(number)[1:])
        first = self._lines.get(key)
        if first is None:
            self._lines[key] = cell.line
            return
        message = (
            f"found {describe_value(text)}, which is on line {first} already; "
            "a campaign calls each number for one person, remove one"
        )
        problems.append(cell.problem("repeated_number", message))


def read_contacts(
    source: CsvSource, base: Path, source_map: SourceMap, checker: RowChecker
) -> Iterator[RecipientDraft | Problem]:
    """The drafts of a contact file's rows, and what is wrong with the other rows."""
    path = base / source.csv
    if path.is_fifo() or path.is_char_device():
        # It could be read once, and reading may never end; a launch reads within a transaction.
        message = f"found a pipe or a device, {str(path)!r}; save the contacts in a file"
        return iter([source_map.problem(("recipients", "csv"), NotOpened.code, message)])
    return _ContactFile(source, path, source_map, checker).drafts()


class _ContactFile:
    def __init__(
        self, source: CsvSource, path: Path, source_map: SourceMap, checker: RowChecker
    ) -> None:
        self._source = source
        self._checker = checker
        self._source_map = source_map
        self._lines = CsvLines(path)
        self._file = str(path)
        self._name = path.name
        self._delimiter = ","
        self._width = 0
        """Of the header, columns without names included."""

    def drafts(self) -> Iterator[RecipientDraft | Problem]:
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

    def _table(self) -> Iterator[RecipientDraft | Problem]:
        header: list[str] = []
        roles: ColumnRoles | None = None
        line, rows = 1, 0
        for numbered in self._records():
            if isinstance(numbered, Problem):
                yield numbered
                if roles is None:
                    return
                rows += 1
                continue
            line, record = numbered
            if roles is not None:
                rows += 1
                yield from self._row(line, record, header, roles)
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
    ) -> Sequence[RecipientDraft | Problem]:
        texts = [unescape_cell(text.strip()) for text in record]
        if len(texts) > len(header) and not any(texts[len(header) :]):
            texts = texts[: len(header)]
        extra = range(len(header), len(texts)) if len(texts) <= self._width else ()
        if len(texts) != len(header) + len(extra):
            return [self._ragged(line, len(texts), len(header))]
        for index in (*roles.unnamed, *extra):
            if texts[index]:
                message = (
                    f"found {describe_value(texts[index])} in a column without a name; name it"
                )
                name = f"column {index + 1}"
                return [Problem(self._file, line, index + 1, name, "unnamed_column", message)]

        def cell(index: int) -> Cell:
            return Cell(self._file, header[index], line, index + 1)

        zone = roles.time_zone
        return self._checker.check(
            f"line {line} of {self._name}",
            phone=(texts[roles.phone], cell(roles.phone)),
            alternates=[
                (number, cell(index))
                for index in roles.alternates
                for number in split_numbers(texts[index])
            ],
            time_zone=(texts[zone], cell(zone)) if zone is not None and texts[zone] else None,
            postal_code=_text(texts, roles.postal_code),
            state=_text(texts, roles.state),
            consent={part: (texts[at], cell(at)) for part, at in roles.consent if texts[at]},
            variables={header[index]: texts[index] for index in roles.variables},
        )

    def _ragged(self, line: int, count: int, expected: int) -> Problem:
        if count > expected:
            name = {"\t": "a tab"}.get(self._delimiter, f"a {self._delimiter!r}")
            column, right = expected + 1, f"put quotes around a value that holds {name}"
        else:
            column, right = count + 1, "write an empty field for what is not known"
        fields = "1 field" if count == 1 else f"{count} fields"
        message = f"found {fields} where the header has {expected}; {right}"
        return Problem(self._file, line, column, "row", "ragged_row", message)


def _named(header: list[str]) -> list[str]:
    """Without the columns at the end that have no names, as spreadsheets leave them behind."""
    while len(header) > 1 and not header[-1]:
        header = header[:-1]
    return header


def _text(texts: list[str], index: int | None) -> str | None:
    return (texts[index] or None) if index is not None else None


def _csv_wording(message: str) -> str:
    for part, wording in _CSV_WORDING.items():
        if part in message:
            return wording
    return f"found something that is not CSV: {message}; check the quotes"


def _others(phone: str, alternates: list[str | None]) -> tuple[str, ...]:
    """A number written twice is one number."""
    numbers: dict[str, str] = {}
    for number in alternates:
        if number is not None:
            numbers.setdefault(subscriber(number), number)
    numbers.pop(subscriber(phone), None)
    return tuple(numbers.values())


def _unstorable(cell: Cell, variables: dict[str, str]) -> list[Problem]:
    """Variables that no database stores, whether they were written so or a template made them."""
    try:
        require_within(variables, FREE_FORM)
    except OutOfBounds as error:
        where = dotted(error.path) or "variables"
        return [Problem(cell.file, cell.line, cell.column, where, error.code, error.problem)]
    return []
