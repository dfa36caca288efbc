"""Checks a YAML document event by event, before ruamel.yaml composes it.

`compose()` recurses once a level, follows aliases without counting what they repeat, and keeps a
key that stands twice. So every event passes here first: what could exhaust memory, the stack or
the time ends the reading with `Unreadable`; what merely is wrong becomes a problem, and the reading
goes on to find the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from time import thread_time
from typing import Any

from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from outdial.domain.errors import OutdialError
from outdial.intake.problems import Problem, ProblemList
from outdial.intake.yaml.place import Place, is_template_key, place_of

MAX_NODES = 200_000
"""Keys and values, with those that aliases repeat: 10,000 people with nine fields each."""
MAX_DEPTH = 50
MAX_ALIASED = 10_000
"""Values that aliases may repeat in all; aliases of aliases grow without end."""
INSTEAD = "write the recipients into a contact file, or add them in parts after the launch"

_LOOK_EVERY = 256
_SURROGATE = re.compile("[\ud800-\udfff]")
_BARE_TEMPLATE = 'found {{ }} without quotes; put quotes around all of it, as in "Hi {{ name }}"'
_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "map", "seq")
)


class Unreadable(OutdialError):
    """The document can't be read beyond this point."""

    code = "yaml_unreadable"

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(place, message)
        self.place, self.message = place, message


@dataclass(slots=True)
class _Extent:
    """What one node covers: values, levels (aliases written out), and its text for a key."""

    place: Place
    size: int = 1
    height: int = 0
    text: str | None = None
    """None for a list or a mapping."""
    is_mapping: bool = False
    complete: bool = True
    """Not while it is still open: an alias of it would hold itself."""


@dataclass(slots=True)
class _Level:
    """A list or mapping that is open."""

    extent: _Extent
    path: str
    items: int = 0
    keys: dict[str, int] = field(default_factory=dict)
    """The line of each."""
    is_template: bool = False
    """`{{ name }}` without quotes: it was meant as a text, and is taken for an empty one."""
    value_path: str | None = None
    """In a mapping after a key: the path of the value that comes next."""


class EventGuard:
    """Admits the events of one document in order; collects problems with their key's path."""

    def __init__(self, file: str, max_seconds: float) -> None:
        self.problems = ProblemList()
        self._file = file
        self._max_seconds = max_seconds
        self._until = thread_time() + max_seconds
        self._levels: list[_Level] = []
        self._anchors: dict[str, _Extent] = {}
        self._events = self._documents = self._nodes = self._aliased = 0

    def refuse(self, place: Place, path: str, code: str, message: str) -> None:
        self.problems.add(
            Problem(self._file, place.line, place.column, path or "yaml", code, message)
        )

    def admit(self, event: Any) -> None:
        """Raises Unreadable when the document must not be composed any further."""
        if self._events % _LOOK_EVERY == 0 and thread_time() > self._until:
            raise Unreadable(
                place_of(event),
                f"found more than can be read within {self._max_seconds:g} seconds; write a "
                f"shorter file: {INSTEAD}",
            )
        self._events += 1
        if isinstance(event, NodeEvent):
            self._node(event)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self._close(self._levels.pop())
        elif isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise Unreadable(place_of(event), "found a second document; write one a file")

    def _node(self, event: Any) -> None:
        if len(self._levels) > MAX_DEPTH:
            raise _too_deep(event)
        if isinstance(event, AliasEvent):
            extent = self._alias(event)
            self._count(event, extent.size)
            self._add(extent)
            return
        self._count(event, 1)
        path = self._path()
        if event.tag not in (None, "!") and event.tag not in _TAGS:
            self.refuse(
                place_of(event), path, "unknown_tag", f"found the tag {event.tag}; leave it out"
            )
        if isinstance(event, ScalarEvent):
            extent = self._scalar(event, path)
        else:
            extent = _Extent(
                place_of(event),
                height=1,
                is_mapping=isinstance(event, MappingStartEvent),
                complete=False,
            )
        if event.anchor:
            self._anchors[event.anchor] = extent
        if extent.complete:
            self._add(extent)
        else:
            self._levels.append(_Level(extent, path))

    def _close(self, level: _Level) -> None:
        extent = level.extent
        extent.complete = True
        if level.is_template and not level.keys:
            extent.text = ""
        self._add(extent)

    def _count(self, event: Any, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise Unreadable(
                place_of(event), f"found more than {MAX_NODES} keys and values; {INSTEAD}"
            )

    def _alias(self, event: Any) -> _Extent:
        extent = self._anchors.get(event.anchor)
        if extent is None:
            raise Unreadable(
                place_of(event),
                f"found the alias *{event.anchor}, but no &{event.anchor} above it; "
                "put quotes around a value that starts with *",
            )
        if not extent.complete:
            raise Unreadable(
                place_of(event),
                f"found the alias *{event.anchor} within what &{event.anchor} names, which would "
                "never end; write the values out",
            )
        if len(self._levels) + extent.height > MAX_DEPTH:
            raise _too_deep(event)
        self._aliased += extent.size
        if self._aliased > MAX_ALIASED:
            raise Unreadable(
                place_of(event),
                f"found aliases that repeat more than {MAX_ALIASED} values; write them out",
            )
        return extent

    def _scalar(self, event: Any, path: str) -> _Extent:
        if _SURROGATE.search(event.value):
            self.refuse(
                place_of(event),
                path,
                "bad_character",
                "found half a surrogate pair; write the character",
            )
            event.value = ""
        return _Extent(place_of(event), text=event.value)

    def _path(self) -> str:
        """Of the node that comes next."""
        if not self._levels:
            return ""
        level = self._levels[-1]
        if not level.extent.is_mapping:
            return f"{level.path}[{level.items}]"
        return level.path if level.value_path is None else level.value_path

    def _add(self, extent: _Extent) -> None:
        """Note a complete node in the list or mapping that it stands in."""
        if not self._levels:
            return
        level = self._levels[-1]
        if level.extent.is_mapping and level.value_path is None:
            level.value_path = self._key(level, extent)
            return
        level.items += 1
        level.value_path = None
        level.extent.size += extent.size
        level.extent.height = max(level.extent.height, 1 + extent.height)

    def _key(self, level: _Level, key: _Extent) -> str:
        """The path of the key's value."""
        name, path = key.text, level.path
        if name is None:
            if key.is_mapping and is_template_key(level.extent.place, key.place):
                level.is_template = True
                self.refuse(level.extent.place, path, "unquoted_template", _BARE_TEMPLATE)
            else:
                kind = "a mapping" if key.is_mapping else "a list"
                self.refuse(key.place, path, "bad_key", f"found {kind} for a key; write a name")
            return path
        inner = f"{path}.{name}" if path and name else name or path
        if name in level.keys:
            first = level.keys[name]
            self.refuse(
                key.place,
                inner,
                "repeated_key",
                f"found this key again, first on line {first}; remove one",
            )
        else:
            level.keys[name] = key.place.line
        return inner


def _too_deep(event: Any) -> Unreadable:
    return Unreadable(place_of(event), f"found more than {MAX_DEPTH} levels; nest fewer")
