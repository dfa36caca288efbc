"""Checks rows of a roster, each by itself: numbers, address, consent, variables.

What takes more than one row, such as a number that is listed twice, is checked when the rows are
put together: rows may be checked in several processes.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, Protocol

from outdial.domain.bounds import FREE_FORM, OutOfBounds, dotted, require_within
from outdial.domain.definition.fields import describe_value, parse_zone
from outdial.domain.definition.schedule import TimeZonePolicy
from outdial.domain.definition.source import UNKNOWN_REGION, CsvSource
from outdial.domain.numbers.phone import BadPhone, parse_destination, subscriber
from outdial.domain.rules.consent import Consent
from outdial.domain.rules.location import (
    LocatedDraft,
    Location,
    Locator,
    RecipientKind,
    kind_of,
)
from outdial.domain.rules.place import UnknownPlace
from outdial.domain.rules.zone import UnknownZone
from outdial.intake.contacts.cells import Cell
from outdial.intake.contacts.consents import read_consent
from outdial.intake.contacts.existing import Existing, ExistingAppointments
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import Problem
from outdial.intake.templates.templates import ProblemKey, TemplateSet

_LONGEST_PHONE = 40
"""Characters, with all the spaces, brackets and extensions people write."""
MOST_ALTERNATES = 10
"""Further numbers of one row. Each is read, and tried in turn when nobody answers."""
NO_NUMBER = 0
"""In place of the number of a row that has none."""

_NO_APPOINTMENT = Existing()

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
        self._region = source.default_region if isinstance(source, CsvSource) else UNKNOWN_REGION
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
                "write a time_zone for it, or one for all under schedule"
            )
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
