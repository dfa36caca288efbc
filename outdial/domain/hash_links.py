"""Records that are hashed with the one before: a later change or removal of any of them shows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

FIRST = "0" * 64
"""What the first record is hashed with."""


class Linked(Protocol):
    """One record; `body` is the text that was hashed."""

    @property
    def sequence(self) -> int: ...

    @property
    def body(self) -> str: ...

    @property
    def hash(self) -> str: ...


L = TypeVar("L", bound=Linked)


@dataclass(frozen=True, slots=True)
class Fault:
    """A record that does not fit the one before, or its own hash."""

    sequence: int
    problem: str


def body_of(values: dict[str, Any]) -> str:
    """The canonical JSON of a record's values."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def link(previous: str, sequence: int, body: str) -> str:
    """The hash of a record."""
    return hashlib.sha256(f"{previous}\n{sequence}\n{body}".encode()).hexdigest()


def check_links(
    records: Iterable[L], one: str, many: str, contradiction: Callable[[L], str | None]
) -> tuple[str, int, list[Fault]]:
    """The hash and number of the last record, and everything that is wrong with them.

    `one` and `many` name them. `contradiction` says what is wrong with the columns beside a body,
    if anything is.
    """
    previous, expected = FIRST, 1
    faults: list[Fault] = []
    for record in records:
        sequence = record.sequence
        if sequence != expected:
            faults.append(Fault(expected, f"{many} {expected} to {sequence - 1} are gone"))
        if link(previous, sequence, record.body) != record.hash:
            faults.append(Fault(sequence, f"its content or the {one} before it was changed"))
        problem = contradiction(record)
        if problem is not None:
            faults.append(Fault(sequence, problem))
        previous, expected = record.hash, sequence + 1
    return previous, expected - 1, faults
