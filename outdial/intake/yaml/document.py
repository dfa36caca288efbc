"""Reads one YAML 1.2 document into ruamel's nodes; every problem found, not only the first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import Node
from ruamel.yaml.parser import Parser
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.resolver import VersionedResolver

from outdial.intake.problems import ProblemList
from outdial.intake.yaml.guard import INSTEAD, EventGuard, Unreadable
from outdial.intake.yaml.nodes import Place
from outdial.intake.yaml.wording import syntax_problem

MAX_CHARACTERS = 2_000_000
"""Large rosters belong into a CSV file, which is streamed."""
MAX_SECONDS = 20.0
"""Of processor time that a parse may take, looked at between values. 10,000 people with six fields
each take five on a slow machine."""


@dataclass(frozen=True, slots=True)
class YamlDocument:
    root: Node | None
    """None when the text is no YAML at all."""
    problems: ProblemList


def read_yaml(text: str, file: str, *, max_seconds: float = MAX_SECONDS) -> YamlDocument:
    """Parse one document. Never raises for what the text holds."""
    guard = EventGuard(file, max_seconds)
    root: Node | None = None
    try:
        if len(text) > MAX_CHARACTERS:
            raise Unreadable(
                Place(1, 1),
                f"found {len(text)} characters; write at most {MAX_CHARACTERS}: {INSTEAD}",
            )
        root = _compose(text, guard)
        if root is None:
            raise Unreadable(Place(1, 1), "found an empty file; write a campaign definition")
    except Unreadable as error:
        guard.refuse(error.place, "yaml", error.code, error.message)
    return YamlDocument(root, guard.problems)


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
