"""Recipients written in a definition, or sent in a request, as rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from outdial.domain.definition.fields import describe_value
from outdial.domain.definition.source import InlineRecipient
from outdial.intake.contacts.columns import CONSENT_ROLES
from outdial.intake.contacts.rows import Cell, SourceRow, split_numbers
from outdial.intake.problems import Problem
from outdial.intake.yaml.source_map import SourceMap


def read_inline(
    recipients: Sequence[InlineRecipient], source_map: SourceMap, without: Collection[int] = ()
) -> Iterator[SourceRow | Problem]:
    """One row a recipient; a variable that is no single value is a problem."""
    for index, recipient in enumerate(recipients):
        if index in without:
            continue
        variables: dict[str, str] = {}
        for name, value in recipient.variables.items():
            text = _text(value)
            if text is None:
                message = (
                    f"found {describe_value(value)}; write one value, such as a text or a number"
                )
                yield source_map.problem(("recipients", index, name), "wrong_value", message)
            else:
                variables[name] = text
        yield _row(recipient, index, source_map, variables)


def _row(
    recipient: InlineRecipient, index: int, source_map: SourceMap, variables: dict[str, str]
) -> SourceRow:
    def cell(text: str, *path: int | str) -> Cell:
        found = source_map.find(("recipients", index, *path))
        return Cell(found.path, text.strip(), found.place.line, found.place.column)

    zone = recipient.time_zone
    return SourceRow(
        file=source_map.file,
        label=f"recipients[{index}]",
        phone=cell(recipient.phone, "phone"),
        alternates=tuple(
            number
            for at, text in enumerate(recipient.alternate_phones)
            for number in split_numbers(cell(text, "alternate_phones", at))
        ),
        time_zone=cell(zone, "time_zone") if zone else None,
        postal_code=recipient.postal_code or None,
        state=recipient.state or None,
        consent=tuple(
            (part, cell(text, key))
            for key, part in CONSENT_ROLES.items()
            if (text := getattr(recipient, key))
        ),
        variables=variables,
    )


def _text(value: Any) -> str | None:
    """As a template would write it; None for what is no single value."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).strip() if isinstance(value, str | int | float) else None
