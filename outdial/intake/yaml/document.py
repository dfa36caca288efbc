"""Reads one YAML 1.2 document into ruamel.yaml's nodes, and the nodes as plain values.

Every problem of a text is reported, not only the first. Scalars keep their text, so that
`+12025550123`, `01234` or a timestamp reach a field as they were written; ruamel's constructors
would turn the one into an integer and take the offset from the other. What a plain scalar means by
YAML 1.2 (core schema) is looked up where it matters.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.parser import Parser
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.resolver import VersionedResolver

from outdial.domain.bounds import LARGEST_INTEGER
from outdial.intake.problems import ProblemList
from outdial.intake.yaml.guard import INSTEAD, EventGuard, Unreadable
from outdial.intake.yaml.json_text import compose_json
from outdial.intake.yaml.place import Place, is_template_key, place_of
from outdial.intake.yaml.wording import syntax_problem

MAX_CHARACTERS = 2_000_000
"""Large rosters belong into a CSV file, which is streamed."""
MAX_SECONDS = 20.0
"""Of processor time that a parse may take, looked at between values. 10,000 people with six fields
each take five on a slow machine, and a fifth of that as JSON."""
_NULL, _BOOLEAN, _INTEGER, _FLOAT = (
    f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float")
)
_LONGEST_INTEGER = 18
"""Characters without the sign; a longer one is an identifier, and floating-point numbers of other
languages would lose its end."""
_BASES = {"0o": 8, "0x": 16}


def read_yaml(
    text: str, file: str, *, max_seconds: float = MAX_SECONDS
) -> tuple[Node | None, ProblemList]:
    """The root node of a document, None when the text is no YAML at all, and every problem.

    Never raises for what the text holds.
    """
    guard = EventGuard(file, max_seconds)
    root: Node | None = None
    try:
        if len(text) > MAX_CHARACTERS:
            raise Unreadable(
                Place(1, 1),
                f"found {len(text)} characters; write at most {MAX_CHARACTERS}: {INSTEAD}",
            )
        root = compose_json(text, guard.admit)
        if root is None:
            guard = EventGuard(file, max_seconds)
            root = _compose(text, guard)
        if root is None:
            raise Unreadable(Place(1, 1), "found an empty file; write a campaign definition")
    except Unreadable as error:
        guard.refuse(error.place, "yaml", error.code, error.message)
    return root, guard.problems


def _compose(text: str, guard: EventGuard) -> Node | None:
    """The root node. Whatever the parser or the composer raises becomes `Unreadable`."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Parser = partial(_GuardedParser, guard=guard)
    yaml.Resolver = _CoreResolver
    yaml.composer.warn_double_anchors = False
    try:
        root: Node | None = yaml.compose(text)
    except MarkedYAMLError as error:
        line, column, message = syntax_problem(error)
        raise Unreadable(Place(line, column), message) from error
    except ReaderError as error:
        before = text[: error.position]
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise Unreadable(
            place, f"found the control character U+{ord(text[error.position]):04X}; remove it"
        ) from error
    except AssertionError as error:
        # ruamel asserts that a %YAML line names 1.1 or 1.2.
        raise Unreadable(
            Place(1, 1), "found a %YAML line of another version; leave it out"
        ) from error
    except (ValueError, OverflowError) as error:
        # An escape such as "\UFFFFFFFF" names no character, and the scanner doesn't look.
        raise Unreadable(
            Place(1, 1), "found an escape such as \\U that names no character; remove it"
        ) from error
    return root


class _GuardedParser(Parser):
    """The parser as the composer sees it: each event passes the guard before it comes out."""

    def __init__(self, loader: Any, guard: EventGuard) -> None:
        super().__init__(loader)
        self._guard = guard

    def check_event(self, *choices: Any) -> bool:
        self._advance()
        return super().check_event(*choices)

    def peek_event(self) -> Any:
        self._advance()
        return self.current_event

    def get_event(self) -> Any:
        self._advance()
        return super().get_event()

    def _advance(self) -> None:
        if self.current_event is None:
            event = super().peek_event()
            if event is not None:
                self._guard.admit(event)


class _CoreResolver(VersionedResolver):
    """Tags by YAML 1.2, whatever version a `%YAML` line names: `no` stays a text."""

    @property
    def processing_version(self) -> Any:
        return (1, 2)


# --- nodes as plain values ----------------------------------------------------------------------


def entries_of(node: MappingNode) -> dict[str, tuple[Node, Node]]:
    """Key and value by the key's text. Of a key that stands twice the first counts; one that is a
    list or a mapping is no name. Both are reported by the guard."""
    entries: dict[str, tuple[Node, Node]] = {}
    for key, value in node.value:
        if isinstance(key, ScalarNode):
            entries.setdefault(key.value, (key, value))
    return entries


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
