"""Validation errors of pydantic as sentences: what was found, and what would be right.

One translator for definitions, rules, settings and requests. The words for a field stand beside
the field (`Hint`), or are plain from its type.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from outdial.domain.bounds import dotted
from outdial.domain.definition.fields import describe_value
from outdial.domain.hints import KeyPath, choices_at, hint_at, key_paths, keys_at
from outdial.domain.retired import current_name

_OF_TYPE = {
    "bool": "write true or false",
    "int": "write a whole number",
    "float": "write a number",
    "string": "write a text",
    "dict": "write keys and values",
    "model": "write keys and values",
    "tuple": "write a list",
    "list": "write a list",
    "path": "write a path",
}
"""By the first word of the error's type."""


def explain(
    error: ErrorDetails,
    model: type[BaseModel] | None,
    path: KeyPath | None = None,
    *,
    otherwise: str | None = None,
    secret: bool = False,
) -> str:
    """Say what is wrong with the value at `path`, by default the error's own.

    `model` is what was to be read: its fields carry the hints. `otherwise` is the hint where there
    is none, and of a value with `secret` nothing is shown.
    """
    path = error["loc"] if path is None else path
    kind = error["type"]
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind == "json_invalid":
        return f"found no JSON: {error['ctx']['error']}"
    if kind == "extra_forbidden":
        return _unknown_key(model, path)
    hint = None if model is None else hint_at(model, path)
    right = hint.text if hint is not None else otherwise
    if kind == "missing":
        return f"found no {path[-1] if path else 'value'}; {right or 'write it'}"
    value = error["input"]
    message = f"found {'a value' if secret else describe_value(value)}; {right or _right(error)}"
    if not isinstance(value, str) or secret or model is None:
        return message
    if hint is not None and hint.suggest is not None:
        return message + _suggest(hint.suggest(value))
    choices = choices_at(model, path)
    current = current_name(value, choices)
    if current is not None:
        return f"found {describe_value(value)}, which is now {current}; write {current}"
    choices = choices if value.isalpha() else []
    near = get_close_matches(value.lower(), choices, n=1, cutoff=0.6)
    return message + _suggest(near[0] if near else "")


def explain_first(error: ValidationError, model: type[BaseModel]) -> str:
    """The first problem as one sentence that names its field."""
    details = error.errors(include_url=False)[0]
    field = dotted(details["loc"])
    return f"{field}: {explain(details, model)}" if field else explain(details, model)


def _right(error: ErrorDetails) -> str:
    if error["type"] == "literal_error":
        return f"write one of {error['ctx']['expected']}"
    word, _, rest = error["type"].partition("_")
    if word in _OF_TYPE and rest in ("type", "parsing", "from_float", "attributes_type"):
        return _OF_TYPE[word]
    return f"it {error['msg'].removeprefix('Input ').removeprefix('Value ')}"


def _suggest(better: str) -> str:
    return f"; did you mean {better}?" if better else ""


def _unknown_key(model: type[BaseModel] | None, path: KeyPath) -> str:
    key = str(path[-1]) if path else ""
    unknown = f"unknown key {describe_value(key)}"
    here = [] if model is None else keys_at(model, path[:-1])
    if model is None or not here:
        return f"{unknown}; leave it out"
    current = current_name(key, here)
    if current is not None:
        return f"{unknown}, which is now {current}; write {current}"
    near = get_close_matches(key.lower(), here, n=1, cutoff=0.7)
    if near:
        return f"{unknown}, did you mean {near[0]}?"
    home = _homes(model).get(key)
    if home is not None:
        return f"{unknown}, it belongs under {'.'.join(home) or 'the top level'}"
    return f"{unknown}, the keys here are {', '.join(here)}"


@lru_cache
def _homes(model: type[BaseModel]) -> dict[str, tuple[str, ...]]:
    """Where each key belongs. Of several places, the one with the fewest levels above it; at equal
    depth, one where other keys are refused."""
    paths = sorted(
        key_paths(model), key=lambda path: (len(path), path[-1] not in keys_at(model, path[:-1]))
    )
    homes: dict[str, tuple[str, ...]] = {}
    for path in paths:
        homes.setdefault(path[-1], path[:-1])
    return homes
