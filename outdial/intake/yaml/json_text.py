"""Reads JSON into the nodes that ruamel.yaml composes of the same text.

JSON is YAML, but a body of thousands of recipients takes ruamel.yaml, which is written in Python,
ten times as long. Nodes, places and what the guard refuses are the same. Half a character that an
escape names is put together with the other half, as JSON has it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, NamedTuple

from ruamel.yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import Reader
from ruamel.yaml.tag import Tag

_TAGS = {
    kind: Tag(suffix=f"tag:yaml.org,2002:{kind}")
    for kind in ("str", "int", "float", "bool", "null", "map", "seq")
}
_TEXT, _MAP, _LIST = (_TAGS[kind] for kind in ("str", "map", "seq"))
_LITERAL = re.compile(
    r"(?P<int>-?(?:0|[1-9][0-9]*)(?P<float>\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)?)"
    r"|(?P<bool>true|false)|(?P<null>null)"
)
_SPACE = re.compile(r"[ \t\n\r]*")
_LINE_END = re.compile(r"\r\n|\n|\r")
_OTHER_LINE_ENDS = re.compile("[\x85\u2028\u2029\ufeff]")
"""A line ends with them in YAML alone."""
_NOT_JSON = "this is not JSON"


class _Mark(NamedTuple):
    """A place, from 0, as ruamel.yaml's marks have it."""

    line: int
    column: int


def compose_json(text: str, admit: Callable[[Any], None]) -> Node | None:
    """The root node of an object or a list; None for any other text, which may be YAML.

    `admit` gets every event before its node is made, and bounds how deep they go.
    """
    start = _SPACE.match(text)
    if start is None or text[start.end() : start.end() + 1] not in ("{", "["):
        return None
    if _OTHER_LINE_ENDS.search(text) or Reader.NON_PRINTABLE.search(text):
        return None
    try:
        return _Composer(text, admit).compose()
    except (ValueError, IndexError):  # it is not JSON
        return None


class _Composer:
    def __init__(self, text: str, admit: Callable[[Any], None]) -> None:
        self._text = text
        self._admit = admit
        self._at = 0
        self._line = 0
        self._lines = [0, *(end.end() for end in _LINE_END.finditer(text)), len(text) + 1]
        """Where each line starts."""

    def compose(self) -> Node:
        root = self._value(self._next())
        if _SPACE.fullmatch(self._text, self._at) is None:
            raise ValueError(_NOT_JSON)
        return root

    def _next(self) -> str:
        """The next character that is no space; `_at` is its place."""
        character = self._text[self._at]
        if character in " \t\n\r":
            space = _SPACE.match(self._text, self._at)
            assert space is not None
            self._at = space.end()
            character = self._text[self._at]
        return character

    def _mark(self) -> _Mark:
        while self._lines[self._line + 1] <= self._at:
            self._line += 1
        return _Mark(self._line, self._at - self._lines[self._line])

    def _value(self, character: str) -> Node:
        if character == '"':
            return self._string()
        if character == "{":
            return self._mapping()
        if character == "[":
            return self._sequence()
        literal = _LITERAL.match(self._text, self._at)
        if literal is None:
            raise ValueError(_NOT_JSON)
        mark = self._mark()
        self._at = literal.end()
        kind = "float" if literal["float"] else str(literal.lastgroup)
        event = ScalarEvent(None, None, (True, False), literal[0], mark, mark)
        self._admit(event)
        return ScalarNode(_TAGS[kind], event.value, mark, mark)

    def _string(self) -> ScalarNode:
        mark = self._mark()
        value, self._at = scanstring(self._text, self._at + 1, True)
        event = ScalarEvent(None, None, (False, True), value, mark, mark, style='"')
        self._admit(event)
        return ScalarNode(_TEXT, event.value, mark, mark, style='"')

    def _mapping(self) -> MappingNode:
        mark = self._mark()
        self._admit(MappingStartEvent(None, None, True, mark, mark, flow_style=True))
        entries: list[tuple[Node, Node]] = []
        self._at += 1
        character = self._next()
        while character != "}":
            if character != '"':
                raise ValueError(_NOT_JSON)
            key = self._string()
            if self._next() != ":":
                raise ValueError(_NOT_JSON)
            self._at += 1
            entries.append((key, self._value(self._next())))
            character = self._separator("}")
        self._at += 1
        self._admit(MappingEndEvent(mark, mark))
        return MappingNode(_MAP, entries, mark, mark, flow_style=True)

    def _sequence(self) -> SequenceNode:
        mark = self._mark()
        self._admit(SequenceStartEvent(None, None, True, mark, mark, flow_style=True))
        items: list[Node] = []
        self._at += 1
        character = self._next()
        while character != "]":
            items.append(self._value(character))
            character = self._separator("]")
        self._at += 1
        self._admit(SequenceEndEvent(mark, mark))
        return SequenceNode(_LIST, items, mark, mark, flow_style=True)

    def _separator(self, end: str) -> str:
        """The beginning of the next item behind a comma, or the end."""
        character = self._next()
        if character == end:
            return character
        if character != ",":
            raise ValueError(_NOT_JSON)
        self._at += 1
        following = self._next()
        if following == end:
            raise ValueError(_NOT_JSON)
        return following
