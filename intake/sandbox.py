"""The sandbox in which templates are rendered.

Jinja2's own sandbox keeps a template away from Python. This one also keeps it small: it has no
loop but over a row's values and a short range, keeps no state, and no operation in it makes a
large text out of a small one. What a rendering does is counted, steps of loops and characters
made: a definition may come from whoever has a key.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from jinja2 import StrictUndefined, Template, Undefined, nodes
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
LARGEST = 64 * 1024
"""Characters or items of a value within a template."""
MAX_WORK = 200_000
"""What one rendering may do: a step of a loop, or 64 characters made, is one."""
MAX_LOOPS = 3
"""Of loops within loops."""
_METHODS = frozenset(
    {
        "capitalize", "casefold", "count", "endswith", "find", "get", "index", "isalnum",
        "isalpha", "isdecimal", "isdigit", "isoformat", "items", "join", "keys", "lower",
        "lstrip", "partition", "removeprefix", "removesuffix", "replace", "rpartition",
        "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "swapcase", "title",
        "upper", "values",
    }
)  # fmt: skip
"""What may be called on a value: nothing that makes much out of little."""
_work: ContextVar[list[int] | None] = ContextVar("template_work", default=None)


class TemplateRefused(ValueError):
    """A template uses something the sandbox does not have."""


@contextmanager
def bounded() -> Iterator[None]:
    """One rendering: what is done within it counts together."""
    token = _work.set([0])
    try:
        yield
    finally:
        _work.reset(token)


class Sandbox(ImmutableSandboxedEnvironment):
    """Renders one value of one recipient; an unknown name is an error."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)
        self.filters = {name: _limited(name, self.filters[name]) for name in FILTERS}
        self.filters[_STEPS] = _steps
        self.globals = {"range": _short_range}

    def check(self, source: str) -> nodes.Template:
        """Parse `source`. Raises TemplateRefused, or Jinja2's TemplateSyntaxError."""
        tree = self.parse(source)
        for statement in tree.find_all(nodes.Stmt):
            if not isinstance(statement, _STATEMENTS):
                raise TemplateRefused("a template may hold {{ }}, {% if %} and {% for %} only")
        for loop in tree.find_all(nodes.For):
            if loop.recursive:
                raise TemplateRefused("a loop may not call itself")
        if _loops_within(tree) > MAX_LOOPS:
            raise TemplateRefused(f"at most {MAX_LOOPS} loops stand within each other")
        if any(each.name == _STEPS for each in tree.find_all(nodes.Filter)):
            raise TemplateRefused(f"{_STEPS!r} is no filter")
        return tree

    def compiled(self, tree: nodes.Template) -> Template:
        """A template of a checked tree, with every step of its loops counted."""
        for loop in tree.find_all(nodes.For):
            counted = nodes.Filter(loop.iter, _STEPS, [], [], None, None, lineno=loop.lineno)
            loop.iter = counted.set_environment(self)
        return self.from_string(tree)

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        # One that the sandbox refused is undefined here, and says so itself.
        if function is not self.globals["range"] and not isinstance(function, Undefined):
            name = getattr(function, "__name__", "")
            owner = getattr(function, "__self__", None)
            if name not in _METHODS or owner is None:
                raise SecurityError(f"{name or 'this'} is not among what a template may call")
            if isinstance(owner, str) and name in ("join", "replace"):
                _require_room(name, owner, args)
        return _made(super().call(context, function, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "+":
            if _size(left) + _size(right) > LARGEST:
                raise SecurityError(_TOO_LARGE)
            return _made(super().call_binop(context, operator, left, right))
        if operator == "**" and (_large(left, 1e6) or _large(right, _LARGEST_EXPONENT)):
            raise SecurityError("the power is too large")
        if operator != "**" and not _numbers(left, right):
            raise SecurityError(f"{operator} is for numbers; write int or float before it")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return attr not in _PADDING and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """`str.format` pads without limit, so it is refused rather than wrapped."""


_STEPS = "outdial_steps"
_TOO_LARGE = f"a value would hold more than {LARGEST} characters or items"


def _spend(work: int) -> None:
    spent = _work.get()
    if spent is not None:
        spent[0] += work
        if spent[0] > MAX_WORK:
            raise SecurityError("the template does too much; write a simpler one")


def _steps(values: Any) -> Iterator[Any]:
    for value in values:
        _spend(1)
        yield value


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | bytes | list | tuple | dict) else 0


def _made(value: Any) -> Any:
    size = _size(value)
    if size > LARGEST:
        raise SecurityError(_TOO_LARGE)
    _spend(1 + size // 64)
    return value


def _limited(name: str, function: Any) -> Any:
    """The filter, refused before it makes a large text, and counted."""
    skipped = int(getattr(function, "jinja_pass_arg", None) is not None)

    @functools.wraps(function)
    def limited(*args: Any, **kwargs: Any) -> Any:
        value, more = args[skipped], args[skipped + 1 :]
        if name == "join":
            separator = str(more[0] if more else kwargs.get("d", ""))
            items = list(value)
            _require_items(items, separator)
            args = (*args[:skipped], items, *more)
        elif name == "replace":
            old = more[0] if more else kwargs.get("old", "")
            new = more[1] if len(more) > 1 else kwargs.get("new", "")
            _require_room("replace", str(value), (old, new))
        elif name == "sum":
            values = list(value)
            if sum(map(_size, values)) or _size(kwargs.get("start", more[1:2] and more[1])):
                raise SecurityError("sum is for numbers")
            args = (*args[:skipped], values, *more)
        return _made(function(*args, **kwargs))

    return limited


def _require_items(items: list[Any], separator: str) -> None:
    total = sum(_size(each) if isinstance(each, str) else len(str(each)) for each in items)
    if total + len(separator) * len(items) > LARGEST:
        raise SecurityError(_TOO_LARGE)


def _require_room(name: str, owner: str, args: tuple[Any, ...]) -> None:
    if name == "join":
        _require_items(list(args[0]) if args else [], owner)
    elif len(args) > 1:
        old, new = str(args[0]), str(args[1])
        if len(owner) + owner.count(old) * len(new) > LARGEST:
            raise SecurityError(_TOO_LARGE)


def _loops_within(node: nodes.Node) -> int:
    inner = max((_loops_within(each) for each in node.iter_child_nodes()), default=0)
    return inner + isinstance(node, nodes.For)


def _short_range(*args: int) -> range:
    numbers = range(*args)
    if len(numbers) > MAX_RANGE:
        raise SecurityError(f"a range holds at most {MAX_RANGE} numbers")
    return numbers


def _numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) for value in values)


def _large(value: Any, limit: float) -> bool:
    return not isinstance(value, int | float) or abs(value) > limit
