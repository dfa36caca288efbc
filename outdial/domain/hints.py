"""Hints for a wrong value: metadata of the field, or derived from its type.

per_minute: Annotated[int | None, Field(ge=1), Hint("write a whole number, or leave it out")]
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

KeyPath = Sequence[int | str]
_DEEPEST = 8
"""Levels of keys; a model that holds itself has no end."""
_REMEMBERED = 2000
"""Paths of one answer: thousands of errors are about the same few."""
_LONGEST_STEP = 100
"""Characters of a remembered step: keys come from documents, and no model has one as long."""


@dataclass(frozen=True, slots=True)
class Hint:
    """Metadata of a field: the end of the sentence "found …; …"."""

    text: str
    suggest: Callable[[str], str] | None = None
    """What may have been meant by a text; empty for nothing."""


KEYS_BELOW = "write its keys below it"
TEXT = Hint("write a text")


def one_of(values: Iterable[Enum]) -> str:
    return "write " + " or ".join(str(value.value) for value in values)


def list_of(values: Iterable[Enum]) -> str:
    return f"write {', '.join(str(value.value) for value in values)}, or a list of them"


def hint_at(model: type[BaseModel], path: KeyPath) -> Hint | None:
    """The hint of the field at a path, else that of the nearest field above it, else what the
    field's type says by itself."""
    return _hint_at(model, _pattern(path))


def choices_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    """The values of the enumeration that the field at a path holds, or a list of."""
    return list(_choices_at(model, _pattern(path)))


def keys_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys of the models at a path that refuse others."""
    return list(_keys_at(model, _pattern(path)))


def _pattern(path: KeyPath) -> tuple[int | str, ...]:
    """The path with all positions in lists made one, since what holds for one item holds for each.
    It is a key of a cache, so long keys of a document are cut."""
    return tuple(0 if isinstance(step, int) else step[:_LONGEST_STEP] for step in path)


@lru_cache(_REMEMBERED)
def _hint_at(model: type[BaseModel], path: KeyPath) -> Hint | None:
    hint: Hint | None = None
    spots: list[Any] = [model]
    for step in path:
        below = list(_below(spots, step))
        if not below:
            return hint
        spots = below
        own = next(filter(None, map(_own_hint, spots)), None)
        if own is not None or isinstance(step, str):
            hint = own or next(filter(None, map(_hint_of_type, spots)), None) or hint
    return hint


@lru_cache(_REMEMBERED)
def _choices_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    spots: list[Any] = [model]
    for step in path:
        spots = list(_below(spots, step))
    kinds = (kind for spot in spots for kind in _alternatives(spot, items=True))
    return [
        str(value.value)
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, Enum)
        for value in kind
    ]


@lru_cache(_REMEMBERED)
def _keys_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    spots: list[Any] = [model]
    for step in path:
        spots = list(_below(spots, step))
    return [name for closed in _closed(spots) for name in _fields(closed)]


def key_paths(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    """The path of every key of a model, level by level; keys of items are those of their list."""
    level: list[tuple[tuple[str, ...], type[BaseModel]]] = [((), model)]
    while level:
        below: list[tuple[tuple[str, ...], type[BaseModel]]] = []
        for path, each in level:
            for name, field in _fields(each).items():
                inner = (*path, name)
                yield inner
                if len(inner) < _DEEPEST:
                    below += [(inner, kind) for kind in _models([_annotation(field)])]
        level = below


def _closed(spots: Iterable[Any]) -> list[type[BaseModel]]:
    return [each for each in _models(spots) if each.model_config.get("extra") == "forbid"]


def _models(spots: Iterable[Any]) -> list[type[BaseModel]]:
    return [
        kind
        for spot in spots
        for kind in _alternatives(spot, items=True)
        if isinstance(kind, type) and issubclass(kind, BaseModel)
    ]


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """By the key as it is written."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _annotation(field: FieldInfo) -> Any:
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation


def _below(spots: Iterable[Any], step: int | str) -> Iterator[Any]:
    """What may stand below, by a key or by a position in a list."""
    for spot in spots:
        for kind in _alternatives(spot, items=isinstance(step, str)):
            if isinstance(step, int):
                if get_origin(kind) in (tuple, list):
                    yield get_args(kind)[0]
            elif isinstance(kind, type) and issubclass(kind, BaseModel):
                field = _fields(kind).get(step) or kind.model_fields.get(step)
                if field is not None:
                    yield _annotation(field)
            elif get_origin(kind) is dict:
                yield get_args(kind)[1]


def _alternatives(annotation: Any, *, items: bool) -> Iterator[Any]:
    """The kinds of value that an annotation admits; for a list, with `items`, its items'."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _alternatives(get_args(annotation)[0], items=items)
    elif origin in (Union, types.UnionType):
        for each in get_args(annotation):
            yield from _alternatives(each, items=items)
    elif items and origin in (tuple, list):
        yield from _alternatives(get_args(annotation)[0], items=items)
    else:
        yield annotation


def _own_hint(annotation: Any) -> Hint | None:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *metadata = get_args(annotation)
        stated = next((each for each in reversed(metadata) if isinstance(each, Hint)), None)
        return stated or _own_hint(inner)
    if origin in (Union, types.UnionType):
        return next(filter(None, map(_own_hint, get_args(annotation))), None)
    return None


def _hint_of_type(annotation: Any) -> Hint | None:
    kinds = [kind for kind in _alternatives(annotation, items=False) if kind is not type(None)]
    if len(kinds) != 1:
        return None
    [kind] = kinds
    if kind is bool:
        return Hint("write true or false")
    if kind is int:
        return Hint(_between("write a whole number", list(_metadata(annotation))))
    if kind is float:
        return Hint(_between("write a number", list(_metadata(annotation))))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return Hint(one_of(kind))
    if get_origin(kind) in (tuple, list):
        [item, *_] = _alternatives(kind, items=True)
        if isinstance(item, type) and issubclass(item, Enum):
            return Hint(list_of(item))
    return None


def _metadata(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *metadata = get_args(annotation)
        yield from metadata
        yield from _metadata(inner)
    elif origin in (Union, types.UnionType):
        for each in get_args(annotation):
            yield from _metadata(each)


def _between(what: str, metadata: Sequence[Any]) -> str:
    metadata = [
        inner
        for each in metadata
        for inner in (each.metadata if isinstance(each, FieldInfo) else [each])
    ]
    least, above, most, below = (
        next((bound for each in metadata if (bound := getattr(each, kind, None)) is not None), None)
        for kind in ("ge", "gt", "le", "lt")
    )
    if least is not None and most is not None:
        return f"{what} from {least} to {most}"
    bounds = [
        f"{word} {bound}"
        for word, bound in (
            ("at least", least),
            ("above", above),
            ("at most", most),
            ("below", below),
        )
        if bound is not None
    ]
    return f"{what}, {' and '.join(bounds)}" if bounds else what
