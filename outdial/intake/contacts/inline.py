"""Recipients that are listed in a definition, or sent in a request."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from outdial.domain.definition.fields import describe_value
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.definition.source import InlineRecipient
from outdial.intake.contacts.cells import Cell, LocatedText, split_numbers
from outdial.intake.contacts.columns import CONSENT_ROLES
from outdial.intake.contacts.contacts import RowChecker
from outdial.intake.problems import Problem
from outdial.intake.yaml.source_map import SourceMap


def read_inline(
    recipients: Sequence[InlineRecipient],
    source_map: SourceMap,
    checker: RowChecker,
    without: Collection[int] = (),
) -> Iterator[RecipientDraft | Problem]:
    """The drafts of listed recipients; a variable that is no single value is a problem."""
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
        yield from _check(checker, recipient, index, source_map, variables)


def _check(
    checker: RowChecker,
    recipient: InlineRecipient,
    index: int,
    source_map: SourceMap,
    variables: dict[str, str],
) -> Sequence[RecipientDraft | Problem]:
    def written(text: str, *path: int | str) -> LocatedText:
        key = source_map.find(("recipients", index, *path))
        return text.strip(), Cell(source_map.file, key.path, key.place.line, key.place.column)

    zone = recipient.time_zone
    return checker.check(
        f"recipients[{index}]",
        phone=written(recipient.phone, "phone"),
        alternates=[
            written(number, "alternate_phones", at)
            for at, text in enumerate(recipient.alternate_phones)
            for number in split_numbers(text)
        ],
        time_zone=written(zone, "time_zone") if zone else None,
        postal_code=recipient.postal_code or None,
        state=recipient.state or None,
        consent={
            part: written(text, key)
            for key, part in CONSENT_ROLES.items()
            if (text := getattr(recipient, key))
        },
        variables=variables,
    )


def _text(value: Any) -> str | None:
    """As a template would write it; None for what is no single value."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).strip() if isinstance(value, str | int | float) else None
