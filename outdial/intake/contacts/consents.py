"""The consent that a row carries, from its parts as written."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from outdial.domain.definition.fields import describe_value
from outdial.domain.definition.purpose import Purpose
from outdial.domain.rules.consent import Consent, ConsentLevel
from outdial.intake.contacts.cells import LocatedText
from outdial.intake.problems import Problem

_RIGHT = {
    "level": f"write {' or '.join(ConsentLevel)}, or nothing",
    "scope": f"write {' or '.join(Purpose)}, or nothing",
    "proof": "write up to 2000 characters",
}


def read_consent(parts: Mapping[str, LocatedText], problems: list[Problem]) -> Consent | None:
    """The consent that has these parts; None without any, or with problems."""
    if not parts:
        return None
    if "level" not in parts:
        text, cell = next(iter(parts.values()))
        message = f"found {describe_value(text)} and no consent; {_RIGHT['level']}"
        problems.append(cell.problem("missing", message))
        return None
    try:
        return Consent.model_validate({part: text for part, (text, _) in parts.items()})
    except ValidationError as error:
        for details in error.errors():
            part = str(details["loc"][0])
            text, cell = parts[part]
            message = str(details.get("ctx", {}).get("error", ""))
            if not message:
                message = f"found {describe_value(text)}; {_RIGHT[part]}"
            problems.append(cell.problem("wrong_value", message))
    return None
