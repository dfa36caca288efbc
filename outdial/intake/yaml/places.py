"""Problems of a definition, placed by the path of the key they are about."""

from __future__ import annotations

from outdial.intake.problems import Problem
from outdial.intake.yaml.nodes import Found, Node, Place, YamlScalar, locate

KeyPath = tuple[int | str, ...]
_START = Place(1, 1)


class Places:
    """Where the keys of a definition stand. Values that came in a request have no document:
    they all stand at its start, and only their path tells them apart."""

    def __init__(self, file: str, root: Node | None) -> None:
        self.file = file
        self._root = root

    def find(self, path: KeyPath) -> Found:
        if self._root is None:
            return Found(_dotted(path), _START, _START, YamlScalar(_START, "", plain=False))
        return locate(self._root, path)

    def problem(self, path: KeyPath, message: str, *, at_key: bool = False) -> Problem:
        found = self.find(path)
        place = found.key_place if at_key else found.place
        return Problem(self.file, place.line, place.column, found.path or "definition", message)


def _dotted(path: KeyPath) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")
