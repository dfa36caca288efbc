"""The tree that ruamel.yaml composes, read as plain values.

Scalars keep their text, so that `+12025550123`, `01234` or a timestamp reach a field as they
were written; ruamel's constructors would turn the one into an integer and take the offset from
the other. What a plain scalar means by YAML 1.2 (core schema) is asked for where it matters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from outdial.domain.bounds import LARGEST_INTEGER

_NULL, _BOOLEAN, _INTEGER, _FLOAT = (
    f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float")
)
_LONGEST_INTEGER = 18
"""Characters without the sign; a longer one is an identifier, and floating-point numbers of other
languages would lose its end."""
_BASES = {"0o": 8, "0x": 16}


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a text, line and column from 1."""

    line: int
    column: int


def place_of(marked: Any) -> Place:
    """Where a node or an event of ruamel's starts."""
    return Place(marked.start_mark.line + 1, marked.start_mark.column + 1)


def entries_of(node: MappingNode) -> dict[str, tuple[Node, Node]]:
    """Key and value by the key's text. Of a key that stands twice the first counts; one that is a
    list or a mapping is no name. Both are reported by the guard."""
    entries: dict[str, tuple[Node, Node]] = {}
    for key, value in node.value:
        if isinstance(key, ScalarNode):
            entries.setdefault(key.value, (key, value))
    return entries


def is_template_key(mapping: Place, key: Place) -> bool:
    """`{{ name }}` without quotes is a mapping with a mapping for its key."""
    return key == Place(mapping.line, mapping.column + 1)


def is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == _NULL


def as_text(node: Node) -> Any:
    """Lists, mappings, texts, and None for what is null."""
    if isinstance(node, MappingNode):
        if _is_bare_template(node):
            return ""
        return {name: as_text(value) for name, (_, value) in entries_of(node).items()}
    if isinstance(node, SequenceNode):
        return [as_text(item) for item in node.value]
    return None if is_null(node) else node.value


def as_typed(node: Node) -> Any:
    """By the core schema; what JSON could not carry (`.nan`, 1e999) stays a text, and so does
    an integer of more than 18 digits."""
    if isinstance(node, MappingNode):
        if _is_bare_template(node):
            return ""
        return {name: as_typed(value) for name, (_, value) in entries_of(node).items()}
    if isinstance(node, SequenceNode):
        return [as_typed(item) for item in node.value]
    return _scalar(node)


def _scalar(node: Node) -> Any:
    text: str = node.value
    if node.tag == _NULL:
        return None
    if node.tag == _BOOLEAN:
        return {"true": True, "false": False}.get(text.lower(), text)
    if node.tag in (_INTEGER, _FLOAT) and "_" not in text:
        try:
            number = _integer(text) if node.tag == _INTEGER else float(text)
        except (ValueError, OverflowError):
            return text
        return text if number is None or not math.isfinite(number) else number
    return text


def _integer(text: str) -> int | None:
    """None for what the core schema knows not, or JSON's readers could not hold."""
    digits = text.lstrip("+-")
    if len(digits) > _LONGEST_INTEGER:
        return None
    number = int(text, _BASES.get(digits[:2], 10))
    return number if abs(number) <= LARGEST_INTEGER else None


def _is_bare_template(node: MappingNode) -> bool:
    keys = [key for key, _ in node.value]
    return (
        bool(keys)
        and not any(isinstance(key, ScalarNode) for key in keys)
        and isinstance(keys[-1], MappingNode)
        and is_template_key(place_of(node), place_of(keys[-1]))
    )
