"""The templates of a definition: compiled once, rendered and checked for every row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

from jinja2 import Template, TemplateSyntaxError, UndefinedError
from jinja2.exceptions import SecurityError

from outdial.domain.bounds import OutOfBounds
from outdial.domain.definition.fields import describe_value
from outdial.domain.errors import OutdialError
from outdial.intake.problems import Problem
from outdial.intake.templates.lookups import LookupTemplate, lookup_template
from outdial.intake.templates.sandbox import FILTERS, Sandbox, TemplateRefused, bounded
from outdial.intake.yaml.source_map import SourceMap

MAX_CHARACTERS = 4096
"""Of a template, and of what it gives: a value that an agent reads, not a document."""

MAX_VARIABLES = 100
"""Templates of one definition: each is compiled, and rendered for every row."""

MAX_NAMES_SHOWN = 20


ProblemKey = tuple[str, frozenset[str]]
"""A template, and the names of a row's values."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    template: Template
    needs: frozenset[str]
    """The names it looks up, in any of its branches."""
    lookups: LookupTemplate | None
    """The same template, where it does nothing but look up."""


class Rendered(NamedTuple):
    """What the templates gave for one row."""

    texts: dict[str, str]
    complete: bool
    """Whether every template was rendered; `problems` leaves out what was reported before."""
    problems: list[tuple[Problem, ProblemKey | None]]
    """With its key, one that is to be reported once for all rows of the same columns."""


class TemplateSet:
    """The templates that compile; `problems` has those that do not."""

    def __init__(self, templates: Mapping[str, str], source_map: SourceMap) -> None:
        self.problems: list[Problem] = []
        self._source_map = source_map
        self._compiled: dict[str, _Compiled] = {}
        sandbox = Sandbox()
        # By text: aliases make thousands of values of one.
        tried: dict[str, _Compiled | TemplateRefused] = {}
        for name, source in templates.items():
            if source not in tried:
                tried[source] = _tried(sandbox, source)
            compiled = tried[source]
            if isinstance(compiled, TemplateRefused):
                self.problems.append(
                    source_map.problem(("variables", name), compiled.code, str(compiled))
                )
            else:
                self._compiled[name] = compiled

    @property
    def needs(self) -> frozenset[str]:
        """The names that any of them looks up."""
        return frozenset(name for each in self._compiled.values() for name in each.needs)

    def render(
        self,
        values: Mapping[str, str],
        row: Callable[[], str],
        reported: set[ProblemKey] | None = None,
    ) -> Rendered:
        """Each template over one row's `values`; `row` says in problems which row it is.

        An unknown name is reported once for all rows of the same columns: what is in `reported`
        is left out, and added there.
        """
        texts: dict[str, str] = {}
        problems: list[tuple[Problem, ProblemKey | None]] = []
        for name, compiled in self._compiled.items():
            text = compiled.lookups.render(values) if compiled.lookups is not None else None
            if text is not None and len(text) <= MAX_CHARACTERS:
                texts[name] = text
                continue
            try:
                texts[name] = _render(compiled.template, {**values, "row": values})
            except Exception as error:
                # A template may raise whatever Python does on a row's values.
                key = _key(name, values, error)
                if key is not None and reported is not None:
                    if key in reported:
                        continue
                    reported.add(key)
                code, message = _failure(error, compiled.needs, values, row())
                problem = self._source_map.problem(("variables", name), code, message)
                problems.append((problem, key))
        return Rendered(texts, len(texts) == len(self._compiled), problems)


def _key(name: str, values: Mapping[str, str], error: Exception) -> ProblemKey | None:
    if not isinstance(error, UndefinedError | SecurityError):
        return None
    return name, frozenset(values)


def variable_problems(templates: Mapping[str, str], source_map: SourceMap) -> list[Problem]:
    """What is wrong with the `variables` of a document; of too many, none is compiled."""
    if len(templates) > MAX_VARIABLES:
        message = f"found {len(templates)} templates; write at most {MAX_VARIABLES}"
        return [source_map.problem(("variables",), OutOfBounds.code, message)]
    return TemplateSet(templates, source_map).problems


class _TooLong(OutdialError):
    """The rendered text is longer than `MAX_CHARACTERS`."""

    code = "rendered_too_long"


def compile_template(sandbox: Sandbox, source: str) -> Template:
    """Raises TemplateRefused."""
    return _compile(sandbox, source).template


def _tried(sandbox: Sandbox, source: str) -> _Compiled | TemplateRefused:
    try:
        return _compile(sandbox, source)
    except TemplateRefused as error:
        return error


def _compile(sandbox: Sandbox, source: str) -> _Compiled:
    if len(source) > MAX_CHARACTERS:
        raise TemplateRefused(f"found {len(source)} characters; write at most {MAX_CHARACTERS}")
    try:
        tree = sandbox.check(source)
        lookups = lookup_template(tree)  # before the tree is changed, to count what it does
        return _Compiled(*sandbox.compiled(tree), lookups)
    except TemplateSyntaxError as error:
        raise TemplateRefused(_syntax(error, source)) from error
    except TemplateRefused as error:
        raise TemplateRefused(f"found {describe_value(source)}; {error}") from error
    except Exception as error:
        # Jinja2 compiles to Python, which has limits of its own, such as how deep blocks nest.
        raise TemplateRefused(
            f"found {describe_value(source)}; write a simpler template"
        ) from error


def _syntax(error: TemplateSyntaxError, source: str) -> str:
    message = (error.message or "it is no template").rstrip(".")
    if message.startswith("No filter named"):
        right = f"the filters are {', '.join(FILTERS)}"
    else:
        right = 'write a template such as "Hi {{ first_name }}"'
    return f"found {describe_value(source)}: {message}; {right}"


def _render(template: Template, context: Mapping[str, object]) -> str:
    parts: list[str] = []
    length = 0
    with bounded():
        for part in template.generate(context):
            length += len(part)
            if length > MAX_CHARACTERS:
                raise _TooLong
            parts.append(part)
    return "".join(parts)


def _failure(
    error: Exception, needs: frozenset[str], values: Mapping[str, str], row: str
) -> tuple[str, str]:
    """The problem's code and message."""
    if isinstance(error, _TooLong):
        return (
            error.code,
            f"found more than {MAX_CHARACTERS} characters for {row}; write a shorter text",
        )
    absent = needs - values.keys() - {"row"}
    if isinstance(error, UndefinedError) and absent:
        return "unknown_variable", _absent(absent, values, row)
    message = f"found a failure for {row}: {str(error).rstrip('.')}; mend the template or that row"
    return "template_failed", message


def _absent(names: frozenset[str], values: Mapping[str, str], row: str) -> str:
    alike = {name.lower().replace(" ", "_"): name for name in values}
    near = get_close_matches(min(names).lower(), list(alike), n=1, cutoff=0.6)
    hint = f"did you mean {_spelled(alike[near[0]])}? It" if near else "it"
    words = [_spelled(name) for name in values][:MAX_NAMES_SHOWN]
    more = ["…"] if len(values) > MAX_NAMES_SHOWN else []
    missing = ", ".join(repr(name) for name in sorted(names))
    return f"found {missing}, which {row} does not have; {hint} has {', '.join(words + more)}"


def _spelled(name: str) -> str:
    """How a template writes a column's name."""
    return name if name.isidentifier() else f"row[{name!r}]"
