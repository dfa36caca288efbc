"""Checks one row and makes a recipient of it: numbers, zone, variables, no number twice."""

from __future__ import annotations

from outdial.domain.bounds import FREE_FORM, OutOfBounds, dotted, require_within
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.fields import describe_value, parse_zone
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.definition.schedule import TimeZonePolicy
from outdial.domain.definition.source import UNKNOWN_REGION, CsvSource
from outdial.domain.numbers.phone import BadPhone, parse_destination, subscriber
from outdial.domain.rules.place import UnknownPlace
from outdial.domain.rules.zone import UnknownZone, zone_evidence
from outdial.intake.contacts.consents import read_consent
from outdial.intake.contacts.existing import ExistingAppointments
from outdial.intake.contacts.rows import Cell, SourceRow
from outdial.intake.problems import Problem
from outdial.intake.templates.templates import TemplateSet

_LONGEST_PHONE = 40
"""Characters, with all the spaces, brackets and extensions people write."""


class RowChecker:
    """Remembers the numbers it has seen: about a hundred bytes each."""

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
        self._seen: dict[int, int] = {}

    def check(self, row: SourceRow, position: int) -> RecipientDraft | list[Problem]:
        """The recipient, or everything that is wrong with the row."""
        problems: list[Problem] = []
        phone = self._phone(row, row.phone, problems)
        alternates = [self._phone(row, number, problems) for number in row.alternates]
        zone = self._zone(row, phone, problems)
        consent = read_consent(row, problems)
        if phone is not None:
            self._check_new(row, phone, problems)
        given = {
            "phone": phone or row.phone.text,
            "time_zone": zone or "",
            "postal_code": row.postal_code or "",
            "state": row.state or "",
        }
        rendered = self._templates.render({**row.variables, **given}, row.label)
        problems += rendered.problems
        existing = self._existing.read({**row.variables, **given}, row.label, problems)
        variables = {**row.variables, **rendered.texts}
        problems += _unstorable(row, variables)
        if phone is None or not rendered.complete or problems:
            return problems
        return RecipientDraft(
            position=position,
            phone=phone,
            alternate_phones=_others(phone, alternates),
            time_zone=zone,
            postal_code=row.postal_code,
            state=row.state,
            consent=consent,
            appointment_at=existing.at,
            appointment_uid=existing.uid,
            appointment_title=existing.title,
            variables=variables,
        )

    def _phone(self, row: SourceRow, cell: Cell, problems: list[Problem]) -> str | None:
        if not cell.text:
            code, message = (
                "missing",
                "found nothing; write a telephone number such as +12025550123",
            )
        elif len(cell.text) > _LONGEST_PHONE:
            code = BadPhone.code
            message = f"found {describe_value(cell.text)}, which is too long for a telephone number"
        else:
            try:
                return parse_destination(cell.text, self._region)
            except BadPhone as error:
                code, message = error.code, str(error)
        problems.append(_problem(row, cell, code, message))
        return None

    def _zone(self, row: SourceRow, phone: str | None, problems: list[Problem]) -> str | None:
        zone = None
        if row.time_zone is not None:
            try:
                zone = parse_zone(row.time_zone.text)
            except ValueError as error:
                problems.append(_problem(row, row.time_zone, "wrong_value", str(error)))
                return None
        if phone is None:
            return zone
        try:
            zone_evidence(phone, own=zone, state=row.state, postal_code=row.postal_code)
        except UnknownPlace as error:
            problems.append(_problem(row, row.phone, error.code, str(error)))
        except UnknownZone as error:
            if self._needs_zone:
                message = (
                    f"found {describe_value(row.phone.text)}, which tells no time zone; "
                    "write a time_zone for it, or one for all under schedule"
                )
                problems.append(_problem(row, row.phone, error.code, message))
        return zone

    def _check_new(self, row: SourceRow, phone: str, problems: list[Problem]) -> None:
        number = int(subscriber(phone)[1:])
        first = self._seen.get(number)
        if first is None:
            self._seen[number] = row.phone.line
            return
        message = (
            f"found {describe_value(row.phone.text)}, which is on line {first} already; "
            "a campaign calls each number for one person, remove one"
        )
        problems.append(_problem(row, row.phone, "repeated_number", message))


def _others(phone: str, alternates: list[str | None]) -> tuple[str, ...]:
    """A number written twice is one number."""
    numbers: dict[str, str] = {}
    for number in alternates:
        if number is not None:
            numbers.setdefault(subscriber(number), number)
    numbers.pop(subscriber(phone), None)
    return tuple(numbers.values())


def _unstorable(row: SourceRow, variables: dict[str, str]) -> list[Problem]:
    """Variables that no database keeps, whether they were written so or a template made them."""
    try:
        require_within(variables, FREE_FORM)
    except OutOfBounds as error:
        where = dotted(error.path) or "variables"
        return [
            Problem(row.file, row.phone.line, row.phone.column, where, error.code, error.problem)
        ]
    return []


def _problem(row: SourceRow, cell: Cell, code: str, message: str) -> Problem:
    return Problem(row.file, cell.line, cell.column, cell.field, code, message)
