"""The sandbox in which templates are rendered.

Jinja2's own sandbox keeps a template away from Python. This one also keeps it small: it has no
loop but over a row's values and a short range, keeps no state, and no operation in it makes a
large text out of a small one. A definition is still written by an operator, not by a stranger:
nested loops take the time they take.
"""

from __future__ import annotations

from typing import Any

from jinja2 import StrictUndefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

FILTERS = (
    "abs", "capitalize", "default", "first", "float", "int", "join", "last", "length", "list",
    "lower", "max", "min", "replace", "reverse", "round", "sort", "string", "sum", "title",
    "trim", "truncate", "unique", "upper",
)  # fmt: skip
MAX_RANGE = 1000
_STATEMENTS = (nodes.Output, nodes.If, nodes.For)
_PADDING = frozenset(
    {"center", "expandtabs", "format", "format_map", "ljust", "rjust", "translate", "zfill"}
)
_LARGEST_EXPONENT = 64


class TemplateRefused(ValueError):
    """A template uses something the sandbox does not have."""


class Sandbox(ImmutableSandboxedEnvironment):
    """Renders one value of one recipient; an unknown name is an error."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)
        self.filters = {name: self.filters[name] for name in FILTERS}
        self.globals = {"range": _short_range}

    def check(self, source: str) -> nodes.Template:
        """Parse `source`. Raises TemplateRefused, or Jinja2's TemplateSyntaxError."""
        tree = self.parse(source)
        for statement in tree.find_all(nodes.Stmt):
            if not isinstance(statement, _STATEMENTS):
                raise TemplateRefused("a template may hold {{ }}, {% if %} and {% for %} only")
        return tree

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" and (_large(left, 1e6) or _large(right, _LARGEST_EXPONENT)):
            raise SecurityError("the power is too large")
        if operator != "**" and not _numbers(left, right):
            raise SecurityError(f"{operator} is for numbers; write int or float before it")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return attr not in _PADDING and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """`str.format` pads without limit, so it is refused rather than wrapped."""


def _short_range(*args: int) -> range:
    numbers = range(*args)
    if len(numbers) > MAX_RANGE:
        raise SecurityError(f"a range holds at most {MAX_RANGE} numbers")
    return numbers


def _numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) for value in values)


def _large(value: Any, limit: float) -> bool:
    return not isinstance(value, int | float) or abs(value) > limit
