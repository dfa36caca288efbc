"""Reads a campaign definition: YAML into a `CampaignDefinition`, every problem with its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from outdial.domain.bounds import AGENT_SETTINGS, DEFINITION, OutOfBounds, require_within
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.source import RecipientSource
from outdial.domain.hints import hint_at
from outdial.domain.record import DIRECT_CAMPAIGN
from outdial.intake.problems import DefinitionInvalid, Problem, ProblemList
from outdial.intake.templates.callbacks import callback_template_problems
from outdial.intake.templates.templates import variable_problems
from outdial.intake.wording import describe, document_path, problem_code
from outdial.intake.yaml.document import as_text, as_typed, entries_of, is_null, read_yaml
from outdial.intake.yaml.source_map import KeyPath, SourceMap

MAX_BYTES = 10_000_000
_NEVER_EMPTY: tuple[tuple[str, ...], ...] = (
    *((name,) for name in ("line", "consent", "recording", "calendar")),
    *(("retry", outcome) for outcome in ("busy", "no_answer", "voicemail", "failed")),
)
"""Keys that the model lets be None when they are left out; empty, they decide nothing."""


@dataclass(frozen=True, slots=True)
class LoadedDefinition:
    """A definition together with the text it was read from."""

    definition: CampaignDefinition
    path: Path | None
    """None when it was read from a text."""
    source_text: str
    file: str
    """How problems name it."""
    base: Path | None
    """The folder that contact files are relative to; None when none may be read."""
    source_map: SourceMap


def read_definition(path: Path | str) -> LoadedDefinition:
    """Read the definition at `path`. Raises DefinitionInvalid with every problem found."""
    path = Path(path)
    return _load(read_definition_file(path), str(path), path, path.parent)


def read_definition_text(
    text: str, *, name: str = "definition", base: Path | None = None
) -> LoadedDefinition:
    """Read a definition from `text`, such as the body of a request.

    Contact files are read relative to `base`; without one a contact file is refused when the
    recipients are read, so that a request can't read files of this machine.
    Raises DefinitionInvalid with every problem found.
    """
    return _load(text, name, None, base)


def with_recipients(
    definition: CampaignDefinition,
    recipients: RecipientSource,
    *,
    name: str = "request",
    base: Path | None = None,
) -> LoadedDefinition:
    """A definition with other recipients, to read as if it listed them: those of a request, or of
    a file below `base`. Their problems are at line 1 of `name`, distinguished by their path."""
    changed = definition.model_copy(update={"recipients": recipients})
    return LoadedDefinition(changed, None, "", name, base, SourceMap(name, None))


def _load(text: str, file: str, path: Path | None, base: Path | None) -> LoadedDefinition:
    parsed = parse_definition(text, file)
    if parsed.definition is None or len(parsed.problems):
        raise DefinitionInvalid(parsed.problems, parsed.problems.omitted)
    return LoadedDefinition(parsed.definition, path, text, file, base, SourceMap(file, parsed.root))


@dataclass(frozen=True, slots=True)
class ParsedDefinition:
    """What could be made of a text: a definition, problems, or both (a repeated key)."""

    definition: CampaignDefinition | None
    root: Node | None
    values: Any
    """The document as plain values; scalars are texts, but for the agent's settings."""
    problems: ProblemList
    broken: frozenset[KeyPath] = frozenset()
    """What the model refused, or misses."""


def parse_definition(text: str, file: str) -> ParsedDefinition:
    """Read `text`, collecting problems in the order of their places. Raises nothing."""
    root, syntax = read_yaml(text, file)
    if root is None:
        return ParsedDefinition(None, None, None, syntax)
    values = _values(root)
    source_map = SourceMap(file, root)
    definition: CampaignDefinition | None = None
    broken: frozenset[KeyPath] = frozenset()
    problems = list(syntax)
    try:
        definition = CampaignDefinition.model_validate(values)
    except ValidationError as error:
        problems += _pydantic_problems(error, source_map)
        broken = frozenset(document_path(details) for details in error.errors())
    problems += _out_of_bounds(values, source_map)
    problems += _reserved_name(source_map) + _left_empty(source_map)
    problems += variable_problems(templates_of(values), source_map)
    problems += callback_template_problems(values, source_map)
    problems.sort(key=lambda problem: (problem.line, problem.column))
    all_problems = ProblemList(problems)
    all_problems.omitted += syntax.omitted
    return ParsedDefinition(definition, root, values, all_problems, broken)


def templates_of(values: Any) -> dict[str, str]:
    """The `variables` of a document as far as they are texts."""
    variables = values.get("variables") if isinstance(values, dict) else None
    if not isinstance(variables, dict):
        return {}
    return {name: text for name, text in variables.items() if isinstance(text, str)}


def _values(root: Node) -> Any:
    """Plain values for the model. Texts, since the model reads numbers from them, while nothing
    could bring back the + of a telephone number that was read as a number."""
    values = as_text(root)
    if isinstance(root, MappingNode) and isinstance(values, dict):
        _type_settings(root, values)
        line = _value_of(root, "line")
        if isinstance(line, SequenceNode):
            for node, value in zip(line.value, values["line"], strict=True):
                _type_settings(node, value)
        elif line is not None:
            _type_settings(line, values["line"])
    return values


def _type_settings(node: Node, values: Any) -> None:
    """The settings of the agent below a node are what they look like: a provider reads them."""
    agent = _value_of(node, "agent")
    settings = _value_of(agent, "settings")
    if settings is not None:
        values["agent"]["settings"] = as_typed(settings)


def _value_of(node: Node | None, name: str) -> Node | None:
    """The value of a key below a mapping."""
    if not isinstance(node, MappingNode):
        return None
    _, value = entries_of(node).get(name, (None, None))
    return value


def _pydantic_problems(error: ValidationError, source_map: SourceMap) -> list[Problem]:
    return [
        source_map.problem(
            document_path(details),
            problem_code(details),
            describe(details),
            at_key=details["type"] == "extra_forbidden",
        )
        for details in error.errors(include_url=False)
    ]


def _out_of_bounds(values: Any, source_map: SourceMap) -> list[Problem]:
    """What could not be stored, or not be sent on to a provider."""
    try:
        require_within(values, DEFINITION)
        for path, settings in _agent_settings(values):
            require_within(settings, AGENT_SETTINGS, path)
    except OutOfBounds as error:
        return [source_map.problem(error.path, error.code, error.problem)]
    return []


def _agent_settings(values: Any) -> Iterator[tuple[KeyPath, Any]]:
    if not isinstance(values, dict):
        return
    line = values.get("line")
    holders: list[tuple[KeyPath, Any]] = [((), values), (("line",), line)]
    if isinstance(line, list):
        holders += [(("line", index), each) for index, each in enumerate(line)]
    for path, holder in holders:
        agent = holder.get("agent") if isinstance(holder, dict) else None
        if isinstance(agent, dict) and "settings" in agent:
            yield (*path, "agent", "settings"), agent["settings"]


def _reserved_name(source_map: SourceMap) -> list[Problem]:
    node = source_map.find(("name",)).node
    if not isinstance(node, ScalarNode) or node.value != DIRECT_CAMPAIGN:
        return []
    message = f"found {DIRECT_CAMPAIGN!r}, which is reserved for single calls; write another name"
    return [source_map.problem(("name",), "reserved_name", message)]


def _left_empty(source_map: SourceMap) -> list[Problem]:
    """A key without a value was meant to be filled in; who leaves the key out means the default."""
    return [
        source_map.problem(path, "empty_value", f"found nothing; {hint.text}")
        for path in _NEVER_EMPTY
        if (node := _at(source_map, path)) is not None
        and is_null(node)
        and (hint := hint_at(CampaignDefinition, path)) is not None
    ]


def _at(source_map: SourceMap, path: tuple[str, ...]) -> Node | None:
    place = source_map.find(path)
    return place.node if place.path == ".".join(path) else None


def read_definition_file(path: Path) -> str:
    """The text of a definition. Raises DefinitionInvalid when there is none to read."""
    file = str(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _unreadable(file, "file_not_found", "found no such file; check the path") from None
    except IsADirectoryError:
        raise _unreadable(file, "file_unreadable", "found a folder; name the file in it") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _unreadable(
            file, "file_unreadable", f"found a file that can't be read: {reason}"
        ) from error
    if len(data) > MAX_BYTES:
        raise _unreadable(
            file,
            "out_of_bounds",
            f"found more than {MAX_BYTES} bytes; write a shorter file (a campaign's recipients can "
            "be in a CSV file)",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        message = f"found the byte 0x{data[error.start]:02x}, which is not UTF-8; save it as UTF-8"
        raise DefinitionInvalid(
            [Problem(file, line, column, "file", "not_utf8", message)]
        ) from error


def _unreadable(file: str, code: str, message: str) -> DefinitionInvalid:
    return DefinitionInvalid([Problem(file, 1, 1, "file", code, message)])
