"""Reads YAML 1.2 into nodes with positions; every problem found, not only the first.

The tree is built from the parser's events rather than by ruamel.yaml's constructors: those
turn timestamps into datetimes without their offset, and telephone numbers into integers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from time import thread_time
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)
from ruamel.yaml.reader import ReaderError

from outdial.intake.problems import Problem, ProblemList
from outdial.intake.yaml.nodes import Node, Place, YamlList, YamlMapping, YamlScalar
from outdial.intake.yaml.wording import syntax_problem

MAX_CHARACTERS = 2_000_000
"""Large rosters belong into a CSV file, which is streamed."""
MAX_NODES = 200_000
"""Keys and values, with those that aliases repeat: 10,000 people with nine fields each."""
MAX_SECONDS = 20.0
"""Of processor time that a parse may take, looked at between values. 10,000 people with six fields
each take five on a slow machine."""
MAX_DEPTH = 50
MAX_ALIASED = 10_000
"""Values that aliases may repeat in all; aliases of aliases grow without end."""

_INSTEAD = "write the recipients into a contact file, or add them in parts after the launch"
_LOOK_EVERY = 256
_BARE_TEMPLATE = 'found {{ }} without quotes; put quotes around all of it, as in "Hi {{ name }}"'
_STRING_TAG = "tag:yaml.org,2002:str"
_CORE_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "null")}
_MAP_TAGS = {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}


@dataclass(frozen=True, slots=True)
class YamlDocument:
    root: Node | None
    """None when the text is no YAML at all."""
    problems: ProblemList


class _Unreadable(Exception):
    """The document can't be read beyond this point."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(place, message)
        self.place, self.message = place, message


def read_yaml(text: str, file: str, *, max_seconds: float = MAX_SECONDS) -> YamlDocument:
    """Parse one document. Never raises for what the text holds."""
    builder = _Builder(file)
    try:
        if len(text) > MAX_CHARACTERS:
            raise _Unreadable(
                Place(1, 1),
                f"found {len(text)} characters; write at most {MAX_CHARACTERS}: {_INSTEAD}",
            )
        root = builder.document(_in_time(_events(text), max_seconds))
    except _Unreadable as error:
        builder.refuse(error.place, "yaml", error.message)
        root = None
    return YamlDocument(root, builder.problems)


def _events(text: str) -> Iterator[Any]:
    """The parser's events; whatever it raises becomes `_Unreadable`."""
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        line, column, message = syntax_problem(error)
        raise _Unreadable(Place(line, column), message) from error
    except ReaderError as error:
        before = text[: error.position]
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise _Unreadable(
            place, f"found the control character U+{ord(text[error.position]):04X}; remove it"
        ) from error
    except (ValueError, OverflowError) as error:
        # An escape such as "\UFFFFFFFF" names no character, and the scanner doesn't look.
        raise _Unreadable(
            Place(1, 1), "found an escape such as \\U that names no character; remove it"
        ) from error


def _in_time(events: Iterator[Any], seconds: float) -> Iterator[Any]:
    """The same events, until so much processor time of this thread is used up."""
    until = thread_time() + seconds
    for count, event in enumerate(events):
        if count % _LOOK_EVERY == 0 and thread_time() > until:
            raise _Unreadable(
                _place(event),
                f"found more than can be read within {seconds:g} seconds; write a shorter file: "
                f"{_INSTEAD}",
            )
        yield event


class _Builder:
    def __init__(self, file: str) -> None:
        self.problems = ProblemList()
        self._file = file
        self._anchors: dict[str, Node] = {}
        self._aliased = 0
        self._nodes = 0

    def refuse(self, place: Place, field: str, message: str) -> None:
        self.problems.add(Problem(self._file, place.line, place.column, field, message))

    def document(self, events: Iterator[Any]) -> Node:
        root: Node | None = None
        for event in events:
            if isinstance(event, NodeEvent):
                root = self._node(event, events, "", 0)
            elif isinstance(event, DocumentStartEvent) and root is not None:
                raise _Unreadable(_place(event), "found a second document; write one a file")
            elif not isinstance(
                event, StreamStartEvent | StreamEndEvent | DocumentStartEvent | DocumentEndEvent
            ):
                raise _Unreadable(_place(event), "found something that is not YAML")
        if root is None:
            raise _Unreadable(Place(1, 1), "found an empty file; write a campaign definition")
        return root

    def _count(self, event: Any, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise _Unreadable(
                _place(event), f"found more than {MAX_NODES} keys and values; {_INSTEAD}"
            )

    def _node(self, event: Any, events: Iterator[Any], path: str, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise _too_deep(event)
        if isinstance(event, AliasEvent):
            node: Node = self._alias(event, depth)
            self._count(event, node.size)
            return node
        self._count(event, 1)
        if isinstance(event, ScalarEvent):
            node = self._scalar(event, path)
        elif isinstance(event, SequenceStartEvent):
            self._check_tag(event, path)
            node = self._list(event, events, path, depth)
        else:
            self._check_tag(event, path)
            node = self._mapping(event, events, path, depth)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any, depth: int) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            raise _Unreadable(
                _place(event),
                f"found the alias *{event.anchor}, but no &{event.anchor} above it; "
                "put quotes around a value that starts with *",
            )
        if depth + node.height > MAX_DEPTH:
            raise _too_deep(event)
        self._aliased += node.size
        if self._aliased > MAX_ALIASED:
            raise _Unreadable(
                _place(event),
                f"found aliases that repeat more than {MAX_ALIASED} values; write them out",
            )
        return node

    def _scalar(self, event: Any, path: str) -> YamlScalar:
        self._check_tag(event, path)
        text = event.value
        if any("\ud800" <= character <= "\udfff" for character in text):
            self.refuse(_place(event), path, "found half a surrogate pair; write the character")
            text = ""
        plain = event.style is None and event.tag != _STRING_TAG
        return YamlScalar(_place(event), text, plain or event.tag in _CORE_TAGS)

    def _check_tag(self, event: Any, path: str) -> None:
        tag = event.tag
        if tag not in (None, "!", _STRING_TAG) and tag not in _CORE_TAGS | _MAP_TAGS:
            self.refuse(_place(event), path or "yaml", f"found the tag {tag}; leave it out")

    def _refuse_key(self, start: Place, key: Node, path: str) -> None:
        if _looks_like_template(start, key):
            self.refuse(start, path or "yaml", _BARE_TEMPLATE)
            return
        kind = "a list" if isinstance(key, YamlList) else "a mapping"
        self.refuse(key.place, path or "yaml", f"found {kind} for a key; write a name")

    def _list(self, start: Any, events: Iterator[Any], path: str, depth: int) -> YamlList:
        items: list[Node] = []
        for event in events:
            if isinstance(event, SequenceEndEvent):
                break
            items.append(self._node(event, events, f"{path}[{len(items)}]", depth + 1))
        return YamlList(_place(start), tuple(items), *_extent(items))

    def _mapping(self, start: Any, events: Iterator[Any], path: str, depth: int) -> Node:
        keys: dict[str, Place] = {}
        values: dict[str, Node] = {}
        key: Node | None = None
        for event in events:
            if isinstance(event, MappingEndEvent):
                break
            key = self._node(event, events, path, depth + 1)
            name = key.text if isinstance(key, YamlScalar) else None
            inner = f"{path}.{name}" if path and name else name or path
            value = self._node(next(events), events, inner, depth + 1)
            if name is None:
                self._refuse_key(_place(start), key, path)
            elif name in keys:
                first = keys[name].line
                self.refuse(
                    key.place, inner, f"found this key again, first on line {first}; remove one"
                )
            else:
                keys[name], values[name] = key.place, value
        if not keys and _looks_like_template(_place(start), key):
            return YamlScalar(_place(start), "", plain=False)
        return YamlMapping(_place(start), keys, values, *_extent(values.values()))


def _place(event: Any) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


def _extent(nodes: Collection[Node]) -> tuple[int, int]:
    """Size and height of a list or mapping of `nodes`."""
    size = 1 + sum(node.size for node in nodes)
    return size, 1 + max((node.height for node in nodes), default=0)


def _too_deep(event: Any) -> _Unreadable:
    return _Unreadable(_place(event), f"found more than {MAX_DEPTH} levels; nest fewer")


def _looks_like_template(start: Place, key: Node | None) -> bool:
    """`{{ name }}` without quotes is a mapping with a mapping for its key."""
    return isinstance(key, YamlMapping) and key.place == Place(start.line, start.column + 1)
