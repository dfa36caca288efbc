"""A YAML document as a tree that knows where each key and value stands.

Scalars keep their text, so that `+12025550123`, `01234` or a timestamp reach a field as they
were written. What a plain scalar means by YAML 1.2 (core schema) is asked for where it matters.
`size` counts a node's values, `height` its levels, both with aliases written out.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}|0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?((\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a text, line and column from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class YamlScalar:
    place: Place
    text: str
    plain: bool
    """Written without quotes, so it may mean a number, a boolean or nothing."""
    size: int = 1
    height: int = 0

    def as_text(self) -> str | None:
        return None if self.plain and self.text in _NULLS else self.text

    def as_typed(self) -> Any:
        """By the core schema; what JSON could not carry (`.nan`, 1e999) stays a text, and so does
        an integer of more than 18 digits."""
        if not self.plain:
            return self.text
        if self.text in _NULLS:
            return None
        if self.text in _BOOLEANS:
            return _BOOLEANS[self.text]
        if _INTEGER.fullmatch(self.text):
            return int(self.text, 0 if self.text[:2] in ("0o", "0x") else 10)
        if _FLOAT.fullmatch(self.text) and math.isfinite(number := float(self.text)):
            return number
        return self.text


@dataclass(frozen=True, slots=True)
class YamlList:
    place: Place
    items: tuple[Node, ...]
    size: int
    height: int

    def as_text(self) -> list[Any]:
        return [item.as_text() for item in self.items]

    def as_typed(self) -> list[Any]:
        return [item.as_typed() for item in self.items]


@dataclass(frozen=True, slots=True)
class YamlMapping:
    place: Place
    keys: dict[str, Place]
    values: dict[str, Node]
    size: int
    height: int

    def as_text(self) -> dict[str, Any]:
        return {key: value.as_text() for key, value in self.values.items()}

    def as_typed(self) -> dict[str, Any]:
        return {key: value.as_typed() for key, value in self.values.items()}


Node = YamlScalar | YamlList | YamlMapping


@dataclass(frozen=True, slots=True)
class Found:
    """Where a path leads in a document."""

    path: str
    """Dotted, with list positions from 0, such as `caller_ids[1]`."""
    place: Place
    """Of the value; where there is none, of the nearest key above it."""
    key_place: Place
    node: Node | None


def locate(root: Node, path: tuple[int | str, ...]) -> Found:
    """Follow `path` to its end, or to where the document holds no more of it."""
    node, shown_path = root, ""
    place = key_place = root.place
    for step in path:
        if isinstance(node, YamlMapping) and isinstance(step, str):
            shown_path = f"{shown_path}.{step}" if shown_path else step
            if step not in node.values:
                return Found(shown_path, key_place, key_place, None)
            key_place, node = node.keys[step], node.values[step]
            place = node.place
        elif isinstance(node, YamlList) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            shown_path, place, key_place = f"{shown_path}[{step}]", node.place, node.place
    return Found(shown_path, place, key_place, node)
