"""Which lines a definition is called on, and what it asks for that they can't carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from outdial.domain.line.routing import UnknownLine
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import Problem
from outdial.providers.lines import Line, Lines
from outdial.providers.unsupported import not_carried_by


@dataclass(frozen=True)
class LineCheck:
    """Where a definition would be called."""

    lines: tuple[str, ...]
    simulated: tuple[str, ...]
    """Those of them on the simulated network."""
    problems: tuple[Problem, ...]


def check_lines(lines: Lines, loaded: LoadedDefinition) -> LineCheck:
    """Check a definition against one tenant's lines, without reaching them."""
    try:
        chosen = on_lines(lines, loaded).definition
    except UnknownLine as error:
        message = str(error).removeprefix("line: ")
        return LineCheck((), (), (_problem(loaded, ("line",), error.code, message),))
    problems = [
        loaded.source_map.problem(lost.path, "not_carried", lost.message)
        for lost in not_carried_by(lines, chosen)
    ]
    return LineCheck(chosen.lines, _simulated(lines, chosen.lines), tuple(problems))


def _problem(loaded: LoadedDefinition, path: tuple[str, ...], code: str, message: str) -> Problem:
    return loaded.source_map.problem(path, code, message)


def _simulated(lines: Mapping[str, Line], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if lines[name].simulated)


def on_lines(lines: Lines, loaded: LoadedDefinition) -> LoadedDefinition:
    """The definition on the lines it names, or on the one that the settings choose.

    Raises UnknownLine.
    """
    definition = loaded.definition
    for name in definition.lines:
        lines[name]
    if definition.lines:
        return loaded
    return replace(loaded, definition=definition.on_line(lines.choose(None)))
