"""Which lines a definition is called on, and what it asks for that they can't carry."""

from __future__ import annotations

from dataclasses import dataclass, replace

from outdial.domain.line.routing import UnknownLine
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import Problem
from outdial.providers.lines import Lines
from outdial.providers.unsupported import not_carried_by
from outdial.services.campaigns.budget_check import budget_problems


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
        chosen = on_lines(lines, loaded)
    except UnknownLine as error:
        message = str(error).removeprefix("line: ")
        problem = loaded.source_map.problem(("line",), error.code, message)
        return LineCheck((), (), (problem,))
    simulated = tuple(name for name in chosen.definition.lines if lines[name].simulated)
    return LineCheck(chosen.definition.lines, simulated, unsupported(lines, chosen))


def unsupported(lines: Lines, loaded: LoadedDefinition) -> tuple[Problem, ...]:
    """A problem for each setting of a definition that one of its lines would drop, and for a budget
    that its lines can't be held to."""
    dropped = tuple(
        loaded.source_map.problem(lost.path, "not_carried", lost.message)
        for lost in not_carried_by(lines, loaded.definition)
    )
    return (*dropped, *budget_problems(lines, loaded))


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
