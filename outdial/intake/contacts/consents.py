"""The consent that a row carries, from its parts as written."""

from __future__ import annotations

from pydantic import ValidationError

from outdial.domain.definition.fields import describe_value
from outdial.domain.definition.purpose import Purpose
from outdial.domain.rules.consent import Consent, ConsentLevel
from outdial.intake.contacts.rows import Cell, SourceRow
from outdial.intake.problems import Problem

_RIGHT = {
    "level": f"write {' or '.join(ConsentLevel)}, or nothing",
    "scope": f"write {' or '.join(Purpose)}, or nothing",
    "proof": "write up to 2000 characters",
}


def read_consent(row: SourceRow, problems: list[Problem]) -> Consent | None:
    """The consent of a row; None without one, or with problems."""
    parts = dict(row.consent)
    if not parts:
        return None
    if "level" not in parts:
        cell = next(iter(parts.values()))
        problems.append(
            _problem(
                row,
                cell,
                "missing",
                f"found {describe_value(cell.text)} and no consent; {_RIGHT['level']}",
            )
        )
        return None
    try:
        return Consent.model_validate({part: cell.text for part, cell in parts.items()})
    except ValidationError as error:
        for details in error.errors():
            part = str(details["loc"][0])
            message = str(details.get("ctx", {}).get("error", ""))
            if not message:
                message = f"found {describe_value(parts[part].text)}; {_RIGHT[part]}"
            problems.append(_problem(row, parts[part], "wrong_value", message))
    return None


def _problem(row: SourceRow, cell: Cell, code: str, message: str) -> Problem:
    return Problem(row.file, cell.line, cell.column, cell.field, code, message)
