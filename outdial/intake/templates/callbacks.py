"""Templates of callbacks and calendars: checked with the definition, rendered after a call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import Template, TemplateError

from outdial.domain.definition.headers import header_problem
from outdial.domain.errors import OutdialError
from outdial.intake.problems import Problem
from outdial.intake.templates.sandbox import Sandbox, TemplateRefused, bounded
from outdial.intake.templates.templates import compile_template
from outdial.intake.yaml.source_map import KeyPath, SourceMap

_OF_CALLBACKS = ("url", "to", "subject", "body", "headers")
_OF_CALENDARS = ("title", "existing", "existing_uid")
LONGEST_TEXT = 64 * 1024
"""Characters of a rendered body."""


class RenderFailed(OutdialError):
    """A template could not be rendered for this call; the text names what was wrong."""

    code = "render_failed"


def callback_template_problems(values: Any, source_map: SourceMap) -> list[Problem]:
    """What is wrong with the templates of a document's callbacks and calendar."""
    problems = []
    # By text: aliases make thousands of values of one, and the cache keeps none that is refused.
    refusals: dict[str, str | None] = {}
    for path, source in _templates(values):
        if source not in refusals:
            refusals[source] = _refusal(source)
        refusal = refusals[source]
        if refusal is not None:
            problems.append(source_map.problem(path, TemplateRefused.code, refusal))
    for path, name, has_auth in _headers(values):
        problem = header_problem(name, has_auth=has_auth)
        if problem is not None:
            problems.append(source_map.problem(path, "header_refused", problem, at_key=True))
    return problems


def _refusal(source: str) -> str | None:
    try:
        _compiled(source)
    except TemplateRefused as error:
        return str(error)
    return None


def _headers(values: Any) -> Iterator[tuple[KeyPath, str, bool]]:
    callbacks = values.get("callbacks") if isinstance(values, dict) else None
    for at, callback in enumerate(callbacks if isinstance(callbacks, list) else ()):
        headers = callback.get("headers") if isinstance(callback, dict) else None
        for name in headers if isinstance(headers, dict) else ():
            path: KeyPath = ("callbacks", at, "headers", name)
            yield path, str(name), callback.get("auth") is not None


def render(value: Any, context: Mapping[str, Any]) -> Any:
    """`value` with every template in it rendered; keys stay. Raises RenderFailed."""
    if isinstance(value, str):
        return render_text(value, context)
    if isinstance(value, Mapping):
        return {str(key): render(each, context) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [render(each, context) for each in value]
    return value


def render_text(source: str, context: Mapping[str, Any]) -> str:
    """Raises RenderFailed."""
    try:
        parts, length = [], 0
        with bounded():
            for part in _compiled(source).generate(context):
                length += len(part)
                if length > LONGEST_TEXT:
                    raise RenderFailed(f"found more than {LONGEST_TEXT} characters; write less")
                parts.append(part)
        return "".join(parts)
    except RenderFailed:
        raise
    except (TemplateError, TemplateRefused) as error:
        raise RenderFailed(str(error)) from None
    except Exception as error:
        # A template may raise whatever Python does on a call's values.
        raise RenderFailed(f"the template failed with {type(error).__name__}") from None


def _templates(values: Any) -> Iterator[tuple[KeyPath, str]]:
    if not isinstance(values, dict):
        return
    calendar = values.get("calendar")
    if isinstance(calendar, dict):
        for key in _OF_CALENDARS:
            yield from _texts(("calendar", key), calendar.get(key))
    callbacks = values.get("callbacks")
    for at, callback in enumerate(callbacks if isinstance(callbacks, list) else ()):
        for key in _OF_CALLBACKS if isinstance(callback, dict) else ():
            yield from _texts(("callbacks", at, key), callback.get(key))


def _texts(path: KeyPath, value: Any) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts((*path, key), each)
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from _texts((*path, at), each)


@lru_cache(maxsize=1024)
def _compiled(source: str) -> Template:
    return compile_template(Sandbox(), source)


__all__ = ["RenderFailed", "callback_template_problems", "render", "render_text"]
