"""A roster in one pass: every row read, checked, rendered and located once, a chunk at a time.

What a row says by itself is checked apart from what takes all rows, such as a number that is
listed twice: rows may be checked in several processes, and are put together afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from outdial.domain.bounds import FREE_FORM, OutOfBounds, dotted, require_within
from outdial.domain.definition.fields import describe_value, parse_zone
from outdial.domain.definition.schedule import TimeZonePolicy
from outdial.domain.definition.source import MOST_ALTERNATES, UNKNOWN_REGION, CsvSource
from outdial.domain.numbers.phone import BadPhone, parse_destination, subscriber
from outdial.domain.rules.consent import Consent
from outdial.domain.rules.location import LocatedDraft, Location, Locator, RecipientKind, kind_of
from outdial.domain.rules.place import UnknownPlace
from outdial.domain.rules.zone import UnknownZone
from outdial.intake.contacts.cells import Cell, LocatedText
from outdial.intake.contacts.consents import read_consent
from outdial.intake.contacts.existing import Existing, ExistingAppointments
from outdial.intake.contacts.first_lines import FirstLines
from outdial.intake.contacts.inline import inline_chunks
from outdial.intake.contacts.row import (
    NO_NUMBER,
    CheckedRows,
    FaultyRow,
    KeyedProblem,
    LocatedRow,
    WrittenRow,
)
from outdial.intake.contacts.row_processes import RowProcesses, granted, processes_for
from outdial.intake.contacts.table import ContactTable, CsvChunk
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import MAX_PROBLEMS, Problem
from outdial.intake.templates.templates import ProblemKey, TemplateSet

CHUNK_ROWS = 2000
_LONGEST_PHONE = 40
"""Characters, with all the spaces, brackets and extensions people write."""
_NO_APPOINTMENT = Existing()


@dataclass(frozen=True, slots=True)
class RosterChunk:
    """The next rows of a roster."""

    rows: int
    """How many rows were read for this chunk, those with problems included."""
    recipients: tuple[LocatedDraft, ...]
    """Those of its rows that have no problem, by position."""
    problems: tuple[Problem, ...]
    """What is wrong with its other rows. Of a whole roster the first thousand are kept."""
    omitted: int
    """Problems of this chunk beyond those kept."""
    kinds: Mapping[RecipientKind | str, int]
    """How many of its recipients are of each kind, or are refused for a reason: a forecast
    needs no more."""


def read_chunks(
    loaded: LoadedDefinition,
    *,
    size: int = CHUNK_ROWS,
    without: Collection[int] = (),
    processes: int | None = None,
) -> Generator[RosterChunk]:
    """The roster of a definition in chunks of about `size` rows, in the order of its rows.

    Reading goes on behind a problem, so that all are found: whoever stores the recipients gives
    up what it stored once a chunk has one. `without` leaves out listed recipients, by position,
    whose problems are known already. Memory does not grow with the roster, but for twenty to
    forty bytes a number.

    Rows of a long contact file are checked in `processes` beside each other, by default one a
    core, of those that this process may still have. They end with the iteration, so close an
    iterator that is not read to its end. Raises RowProcessFailed when one of them ends.
    """
    assembly, empty = _Assembly(), True
    with closing(_checked(loaded, size, without, processes)) as checked:
        for source, rows in checked:
            chunk = assembly.chunk(source, rows)
            empty = empty and not chunk.rows and not chunk.problems
            yield chunk
    if empty and not without:
        problem = loaded.source_map.problem(
            ("recipients",), "no_recipients", "found no recipients; write at least one"
        )
        yield RosterChunk(0, (), (problem,), 0, {})


class _SourceChunk(Protocol):
    """The next rows, as they are written."""

    def rows(self) -> Iterable[WrittenRow | FaultyRow]: ...

    @property
    def lines(self) -> Sequence[int]:
        """By row, where it is written."""
        ...

    @property
    def problems(self) -> Sequence[tuple[int, Problem]]:
        """What was found while reading, each with the place of the row that it comes before."""
        ...

    @property
    def unread(self) -> int:
        """Rows that are among the problems alone."""
        ...

    def phone(self, at: int) -> LocatedText:
        """The number of a row, as it was written."""
        ...


def _checked(
    loaded: LoadedDefinition, size: int, without: Collection[int], processes: int | None
) -> Generator[tuple[_SourceChunk, CheckedRows]]:
    """Rows as they are written, with what the check of each by itself gave."""
    source, source_map = loaded.definition.recipients, loaded.source_map
    if not isinstance(source, CsvSource):
        yield from _in_turn(loaded, inline_chunks(source, source_map, without, size))
        return
    if loaded.base is None:
        message = "found a contact file, which can't be read from here; write a list of recipients"
        problem = source_map.problem(("recipients", "csv"), "file_not_allowed", message)
        yield CsvChunk(0, None, problems=[(0, problem)]), CheckedRows()
        return
    path = loaded.base / source.csv
    chunks = ContactTable(source, path, source_map).chunks(size)
    with granted(processes_for(path) if processes is None else processes) as count:
        if count:
            with RowProcesses(loaded, count) as beside:
                yield from beside.check(chunks)
        else:
            yield from _in_turn(loaded, chunks)


def _in_turn(
    loaded: LoadedDefinition, chunks: Iterable[_SourceChunk]
) -> Iterator[tuple[_SourceChunk, CheckedRows]]:
    """Rows that this process checks itself."""
    checker = RowChecker(loaded)
    for chunk in chunks:
        yield chunk, checker.check_rows(chunk.rows())


class RowChecker:
    """Checks rows and makes recipients of them."""

    def __init__(self, loaded: LoadedDefinition) -> None:
        definition = loaded.definition
        calendar = definition.calendar
        self._existing: ExistingAppointments | None = None
        if calendar is not None and calendar.existing is not None:
            self._existing = ExistingAppointments(definition, loaded.source_map)
        self._templates = TemplateSet(definition.variables, loaded.source_map)
        source = definition.recipients
        self._has_document = loaded.source_map.has_document
        region = source.default_region if isinstance(source, CsvSource) else UNKNOWN_REGION
        # Without one to set, no problem says that one may be.
        self._region = region or (None if self._has_document else UNKNOWN_REGION)
        schedule = definition.schedule
        self._needs_zone = (
            schedule.time_zone_policy is TimeZonePolicy.CALLEE and schedule.time_zone is None
        )
        self._locator = Locator(schedule.time_zone)
        self._renders = bool(definition.variables) or self._existing is not None

    def check_rows(self, rows: Iterable[WrittenRow | FaultyRow]) -> CheckedRows:
        """Check rows in their order; those known to be faulty are taken over."""
        checked = CheckedRows()
        places: dict[RecipientKind | str, int] = {}
        reported: set[ProblemKey] = set()
        for at, row in enumerate(rows):
            result = row if isinstance(row, FaultyRow) else self._check(row, reported)
            if isinstance(result, FaultyRow):
                checked.faulty[at] = result
                checked.numbers.append(_digits(result.number) if result.number else NO_NUMBER)
                continue
            recipient, kind = result
            checked.recipients.append(recipient)
            checked.numbers.append(_digits(recipient.phone))
            checked.kind_of.append(places.setdefault(kind, len(places)))
        checked.kinds += places
        return checked

    def _check(self, row: WrittenRow, reported: set[ProblemKey]) -> LocatedRow | FaultyRow:
        problems: list[KeyedProblem] = []
        number = self._number(row.phone, row.cells.phone, problems)
        others = self._others(number, row, problems) if row.alternates else ()
        zone = _zone(row.time_zone, row, problems) if row.time_zone is not None else None
        location = None
        if number is not None and (zone is not None or row.time_zone is None):
            location = self._location(number, zone, row, others, problems)
        consent = _consent(row, problems) if row.consent else None
        of_values = len(problems)
        texts, appointment, complete = row.variables, _NO_APPOINTMENT, True
        if self._renders:
            given = {
                **row.variables,
                "phone": number or row.phone,
                "time_zone": zone or "",
                "postal_code": row.postal_code or "",
                "state": row.state or "",
            }
            rendered, complete, failures = self._templates.render(given, row.cells.label, reported)
            texts = {**row.variables, **rendered}
            problems += failures
            if self._existing is not None:
                appointment = _appointment(self._existing, given, row, problems)
        _require_storable(texts, row, problems)
        if number is None or location is None or problems or not complete:
            return FaultyRow(number, tuple(problems), of_values)
        zones, kind = location.zones, kind_of(location, consent)
        recipient = LocatedDraft(
            row.position,
            number,
            others,
            zones,
            None if zones is not None else str(kind),
            None if consent is None else consent.model_dump_json(),
            texts,
            appointment.at,
            appointment.uid,
            appointment.title,
        )
        return recipient, kind

    def _number(
        self, text: str, cell: Callable[[], Cell], problems: list[KeyedProblem]
    ) -> str | None:
        """E.164; None with a problem."""
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
        problems.append((cell().problem(code, message), None))
        return None

    def _others(
        self, number: str | None, row: WrittenRow, problems: list[KeyedProblem]
    ) -> tuple[str, ...]:
        """A number written twice is one number."""
        count = len(row.alternates)
        if count > MOST_ALTERNATES:
            message = f"found {count} further numbers; write at most {MOST_ALTERNATES}"
            problems.append((row.cells.alternate(0).problem("too_many_numbers", message), None))
            return ()
        numbers: dict[str, str] = {}
        for index, text in enumerate(row.alternates):
            other = self._number(text, partial(row.cells.alternate, index), problems)
            if other is not None:
                numbers.setdefault(subscriber(other), other)
        if number is not None:
            numbers.pop(subscriber(number), None)
        return tuple(numbers.values())

    def _location(
        self,
        number: str,
        zone: str | None,
        row: WrittenRow,
        others: tuple[str, ...],
        problems: list[KeyedProblem],
    ) -> Location:
        state, postal_code = row.state, row.postal_code
        location = self._locator.locate(number, own=zone, state=state, postal_code=postal_code)
        if location.code == UnknownPlace.code:
            problem = row.cells.phone().problem(UnknownPlace.code, str(location.kind))
            problems.append((problem, None))
        elif location.code == UnknownZone.code and self._needs_zone:
            message = (
                f"found {describe_value(row.phone)}, which tells no time zone; "
                "write a time_zone for it"
            )
            if self._has_document:
                message += ", or one for all under schedule"
            problems.append((row.cells.phone().problem(UnknownZone.code, message), None))
        if not others:
            return location
        return self._locator.locate(
            number, own=zone, state=state, postal_code=postal_code, others=others
        )


def _appointment(
    existing: ExistingAppointments,
    given: Mapping[str, str],
    row: WrittenRow,
    problems: list[KeyedProblem],
) -> Existing:
    wrong: list[Problem] = []
    appointment = existing.read(given, row.cells.label(), wrong)
    problems += [(problem, None) for problem in wrong]
    return appointment


def _zone(text: str, row: WrittenRow, problems: list[KeyedProblem]) -> str | None:
    try:
        return parse_zone(text)
    except ValueError as error:
        problems.append((row.cells.time_zone().problem("wrong_value", str(error)), None))
        return None


def _digits(number: str) -> int:
    return int(subscriber(number)[1:])


def _consent(row: WrittenRow, problems: list[KeyedProblem]) -> Consent | None:
    parts = {part: (text, row.cells.consent(part)) for part, text in row.consent.items()}
    wrong: list[Problem] = []
    consent = read_consent(parts, wrong)
    problems += [(problem, None) for problem in wrong]
    return consent


def _require_storable(
    variables: dict[str, str], row: WrittenRow, problems: list[KeyedProblem]
) -> None:
    """Variables that no database stores, whether they were written so or a template made them."""
    try:
        require_within(variables, FREE_FORM)
    except OutOfBounds as error:
        cell = row.cells.phone()
        where = dotted(error.path) or "variables"
        problem = Problem(cell.file, cell.line, cell.column, where, error.code, error.problem)
        problems.append((problem, None))


class _Assembly:
    """Puts the chunks of a roster together: each number once, each problem of all rows once."""

    def __init__(self) -> None:
        self._first_lines = FirstLines()
        self._reported: set[ProblemKey] = set()
        self._kept = 0

    def chunk(self, source: _SourceChunk, checked: CheckedRows) -> RosterChunk:
        repeated = self._first_lines.add(checked.numbers, source.lines)
        problems = self._problems(source, checked, repeated)
        room = MAX_PROBLEMS - self._kept
        self._kept += len(problems[:room])
        recipients, kind_of = _without(checked, repeated)
        return RosterChunk(
            rows=len(checked.numbers) + source.unread,
            recipients=tuple(recipients),
            problems=tuple(problems[:room]),
            omitted=len(problems[room:]),
            kinds={checked.kinds[kind]: count for kind, count in Counter(kind_of).items()},
        )

    def _problems(
        self, source: _SourceChunk, checked: CheckedRows, repeated: Mapping[int, int]
    ) -> list[Problem]:
        """In the order of the rows; of one row, those of its values come first."""
        while_reading: dict[int, list[Problem]] = {}
        for at, problem in source.problems:
            while_reading.setdefault(at, []).append(problem)
        problems: list[Problem] = []
        for at in sorted({*while_reading, *checked.faulty, *repeated}):
            problems += while_reading.get(at, ())
            row = checked.faulty.get(at)
            if row is not None:
                problems += (problem for problem, _ in row.problems[: row.of_values])
            if at in repeated:
                problems.append(_repeated(source.phone(at), repeated[at]))
            if row is not None:
                problems += self._unreported(row.problems[row.of_values :])
        return problems

    def _unreported(
        self, problems: Sequence[tuple[Problem, ProblemKey | None]]
    ) -> Iterator[Problem]:
        for problem, key in problems:
            if key is None:
                yield problem
            elif key not in self._reported:
                self._reported.add(key)
                yield problem


def _without(
    checked: CheckedRows, repeated: Mapping[int, int]
) -> tuple[Sequence[LocatedDraft], Sequence[int]]:
    """The recipients whose numbers are new, and their kinds."""
    if not repeated:
        return checked.recipients, checked.kind_of
    good = (at for at in range(len(checked.numbers)) if at not in checked.faulty)
    kept = [
        (recipient, kind)
        for at, recipient, kind in zip(good, checked.recipients, checked.kind_of, strict=True)
        if at not in repeated
    ]
    return [recipient for recipient, _ in kept], [kind for _, kind in kept]


def _repeated(phone: LocatedText, first: int) -> Problem:
    text, cell = phone
    message = (
        f"found {describe_value(text)}, which is on line {first} already; "
        "a campaign calls each number for one person, remove one"
    )
    return cell.problem("repeated_number", message)
