"""Where something stands in a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a text, line and column from 1."""

    line: int
    column: int


def place_of(marked: Any) -> Place:
    """Where a node or an event of ruamel's starts."""
    return Place(marked.start_mark.line + 1, marked.start_mark.column + 1)


def is_template_key(mapping: Place, key: Place) -> bool:
    """`{{ name }}` without quotes is a mapping with a mapping for its key."""
    return key == Place(mapping.line, mapping.column + 1)
