"""Templates of look-ups alone, such as `Hello {{ first_name | title }}`, rendered without Jinja2.

Most templates of a roster are of this kind, and are rendered for every row. Whatever goes wrong
here is left to the template itself, which says what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

from jinja2 import nodes
from jinja2.filters import FILTERS

LONGEST_VALUE = 500
"""Characters: a longer value is left to the template, which counts what filters do with it."""
_MOST_LOOKUPS = 64
_MOST_FILTERS = 4
_TEXT_FILTERS: Mapping[str, Callable[[str], str]] = {
    name: lru_cache(maxsize=4096)(FILTERS[name])  # the people of a roster share their names
    for name in ("capitalize", "lower", "title", "trim", "upper")
}
_ROW = "row"
_OF_JINJA = frozenset({_ROW, "range", "self", "super", "loop", "caller", "varargs", "kwargs"})
"""Names that are not, or not always, looked up among the values."""


@dataclass(frozen=True, slots=True)
class _Lookup:
    name: str
    default: str | None = None
    filters: tuple[Callable[[str], str], ...] = ()


class LookupTemplate:
    """Texts with look-ups between them."""

    def __init__(self, parts: Sequence[str | _Lookup]) -> None:
        self._format = "".join(
            part.replace("%", "%%") if isinstance(part, str) else "%s" for part in parts
        )
        self._lookups = tuple(part for part in parts if isinstance(part, _Lookup))
        names = [lookup.name for lookup in self._lookups]
        plain = names and not any(each.filters or each.default for each in self._lookups)
        self._all = itemgetter(*names) if plain else None

    def render(self, values: Mapping[str, str]) -> str | None:
        """The text; None where the template itself is to be rendered."""
        try:
            looked_up = self._all(values) if self._all is not None else self._filtered(values)
        except KeyError:
            return None
        return None if looked_up is None else self._format % looked_up

    def _filtered(self, values: Mapping[str, str]) -> tuple[str, ...] | None:
        texts = []
        for lookup in self._lookups:
            default = lookup.default
            text = values[lookup.name] if default is None else values.get(lookup.name, default)
            if len(text) > LONGEST_VALUE:
                return None
            for change in lookup.filters:
                text = change(text)
            texts.append(text)
        return tuple(texts)


def lookup_template(tree: nodes.Template) -> LookupTemplate | None:
    """The template as look-ups; None for one that does anything else."""
    parts: list[str | _Lookup] = []
    for statement in tree.body:
        if not isinstance(statement, nodes.Output):
            return None
        for node in statement.nodes:
            part = node.data if isinstance(node, nodes.TemplateData) else _lookup(node)
            if part is None:
                return None
            parts.append(part)
    lookups = sum(isinstance(part, _Lookup) for part in parts)
    return LookupTemplate(parts) if lookups <= _MOST_LOOKUPS else None


def _lookup(node: nodes.Node) -> _Lookup | None:
    filters: list[Callable[[str], str]] = []
    inner: nodes.Node | None = node
    while isinstance(inner, nodes.Filter) and inner.name in _TEXT_FILTERS and _is_alone(inner):
        filters.insert(0, _TEXT_FILTERS[inner.name])
        inner = inner.node
    default = None
    if isinstance(inner, nodes.Filter):
        default, inner = _default(inner), inner.node
        if default is None:
            return None
    name = _name(inner)
    if name is None or len(filters) > _MOST_FILTERS:
        return None
    return _Lookup(name, default, tuple(filters))


def _is_alone(node: nodes.Filter, arguments: int = 0) -> bool:
    """Whether a filter has so many arguments, and none by name."""
    more = (node.kwargs, node.dyn_args, node.dyn_kwargs)
    return len(node.args) == arguments and not any(more)


def _default(node: nodes.Filter) -> str | None:
    """The text that `| default('text')` gives for an unknown name; None for another filter."""
    if node.name != "default" or not _is_alone(node, 1):
        return None
    given = node.args[0]
    return given.value if isinstance(given, nodes.Const) and isinstance(given.value, str) else None


def _name(node: nodes.Node | None) -> str | None:
    """The name that is looked up by `{{ name }}` or `{{ row['name'] }}`."""
    if isinstance(node, nodes.Name):
        return None if node.name in _OF_JINJA else str(node.name)
    if isinstance(node, nodes.Getitem) and isinstance(node.node, nodes.Name):
        key = node.arg
        if node.node.name == _ROW and isinstance(key, nodes.Const) and isinstance(key.value, str):
            return key.value
    return None
