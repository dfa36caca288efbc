"""Problems of a definition, placed by the path of the key they are about."""

from __future__ import annotations

from dataclasses import dataclass

from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from outdial.intake.problems import Problem
from outdial.intake.yaml.document import entries_of
from outdial.intake.yaml.place import Place, place_of

KeyPath = tuple[int | str, ...]
_START = Place(1, 1)


@dataclass(frozen=True, slots=True)
class Location:
    """Where a path leads in a document."""

    path: str
    """Dotted, with list positions from 0, such as `caller_ids[1]`."""
    place: Place
    """Of the value; where there is none, of the nearest key above it."""
    key_place: Place
    node: Node | None


class SourceMap:
    """Where the keys of a definition stand. Values that came in a request have no document:
    they all stand at its start, and only their path distinguishes them."""

    def __init__(self, file: str, root: Node | None) -> None:
        self.file = file
        self._root = root
        self._entries: dict[int, dict[str, tuple[Node, Node]]] = {}
        """By the mapping's identity: a mapping of many keys is searched for each of them."""

    @property
    def has_document(self) -> bool:
        """Whether there is a text that whoever reads its problems can change."""
        return self._root is not None

    def find(self, path: KeyPath) -> Location:
        """Follow `path` to its end, or to where the document holds no more of it."""
        if self._root is None:
            return Location(_dotted(path), _START, _START, None)
        node, found_path = self._root, ""
        place = key_place = place_of(node)
        for step in path:
            if isinstance(node, MappingNode) and isinstance(step, str):
                found_path = f"{found_path}.{step}" if found_path else step
                entry = self._entries_of(node).get(step)
                if entry is None:
                    return Location(found_path, key_place, key_place, None)
                key, node = entry
                key_place, place = place_of(key), place_of(node)
            elif (
                isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value)
            ):
                node = node.value[step]
                found_path = f"{found_path}[{step}]"
                place = key_place = place_of(node)
        return Location(found_path, place, key_place, node)

    def problem(self, path: KeyPath, code: str, message: str, *, at_key: bool = False) -> Problem:
        location = self.find(path)
        place = location.key_place if at_key else location.place
        field = location.path or "definition"
        return Problem(self.file, place.line, place.column, field, code, message)

    def _entries_of(self, node: MappingNode) -> dict[str, tuple[Node, Node]]:
        entries = self._entries.get(id(node))
        if entries is None:
            entries = self._entries[id(node)] = entries_of(node)
        return entries


def _dotted(path: KeyPath) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")
