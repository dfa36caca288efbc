"""Recipients that are listed in a definition, or sent in a request."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from outdial.domain.definition.fields import describe_value
from outdial.domain.definition.source import InlineRecipient
from outdial.intake.contacts.cells import Cell, LocatedText, split_numbers
from outdial.intake.contacts.columns import CONSENT_ROLES
from outdial.intake.contacts.row import WrittenRow
from outdial.intake.problems import Problem
from outdial.intake.yaml.source_map import SourceMap


@dataclass(slots=True)
class InlineChunk:
    """The next of the listed recipients."""

    recipients: list[WrittenRow] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    """By row, where its number is written."""
    problems: list[tuple[int, Problem]] = field(default_factory=list)
    """What can be no row, each with the place among the rows that it comes before."""
    unread: int = 0

    def rows(self) -> list[WrittenRow]:
        """The recipients that can be rows."""
        return self.recipients

    def phone(self, at: int) -> LocatedText:
        """The number of a recipient, as it was written."""
        return self.recipients[at].phone, self.recipients[at].cells.phone()


def inline_chunks(
    recipients: Sequence[InlineRecipient],
    source_map: SourceMap,
    without: Collection[int],
    size: int,
) -> Iterator[InlineChunk]:
    """Listed recipients, `size` at a time; a variable that is no single value is a problem."""
    chunk, position = InlineChunk(), 0
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
                problem = source_map.problem(("recipients", index, name), "wrong_value", message)
                chunk.problems.append((len(chunk.recipients), problem))
            else:
                variables[name] = text
        row = _row(position, recipient, index, source_map, variables)
        chunk.recipients.append(row)
        chunk.lines.append(row.cells.phone().line)
        position += 1
        if len(chunk.recipients) >= size:
            yield chunk
            chunk = InlineChunk()
    if chunk.recipients:
        yield chunk


def _row(
    position: int,
    recipient: InlineRecipient,
    index: int,
    source_map: SourceMap,
    variables: dict[str, str],
) -> WrittenRow:
    alternates = [
        (number.strip(), at)
        for at, text in enumerate(recipient.alternate_phones)
        for number in split_numbers(text)
    ]
    consent = {
        part: text.strip()
        for key, part in CONSENT_ROLES.items()
        if (text := getattr(recipient, key))
    }
    zone = recipient.time_zone
    return WrittenRow(
        position,
        recipient.phone.strip(),
        [number for number, _ in alternates],
        zone.strip() if zone else None,
        recipient.postal_code or None,
        recipient.state or None,
        consent,
        variables,
        _InlineCells(source_map, index, [at for _, at in alternates]),
    )


class _InlineCells:
    """Where the values of one recipient are written."""

    __slots__ = ("_alternates", "_index", "_source_map")

    def __init__(self, source_map: SourceMap, index: int, alternates: list[int]) -> None:
        self._source_map, self._index, self._alternates = source_map, index, alternates

    def label(self) -> str:
        return f"recipients[{self._index}]"

    def phone(self) -> Cell:
        return self._cell("phone")

    def alternate(self, index: int) -> Cell:
        return self._cell("alternate_phones", self._alternates[index])

    def time_zone(self) -> Cell:
        return self._cell("time_zone")

    def consent(self, part: str) -> Cell:
        return self._cell(next(key for key, name in CONSENT_ROLES.items() if name == part))

    def _cell(self, *path: int | str) -> Cell:
        key = self._source_map.find(("recipients", self._index, *path))
        return Cell(self._source_map.file, key.path, key.place.line, key.place.column)


def _text(value: Any) -> str | None:
    """As a template would write it; None for what is no single value."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).strip() if isinstance(value, str | int | float) else None
