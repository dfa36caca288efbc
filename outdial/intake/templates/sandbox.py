"""The sandbox in which templates are rendered.

Jinja2's own sandbox keeps a template away from Python. This one also keeps it small: it has no
loop but over a row's values and a short range, keeps no state, and no operation in it makes a
large text out of a small one. What a rendering does is counted, steps of loops and characters
made: a definition may come from whoever has a key. Nothing is worked out before a rendering,
where it would not be counted: Jinja2 folds constants, but not what asks for the context.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Set, ValuesView
from contextlib import contextmanager
from contextvars import ContextVar
from operator import attrgetter
from typing import Any

from jinja2 import StrictUndefined, Template, Undefined, meta, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from outdial.domain.errors import OutdialError

FILTERS = (
    "abs", "capitalize", "default", "first", "float", "int", "join", "last", "length", "list",
    "lower", "max", "min", "replace", "reverse", "round", "sort", "string", "sum", "title",
    "trim", "truncate", "unique", "upper",
)  # fmt: skip
_ITERATING = frozenset({"join", "list", "max", "min", "reverse", "sort", "sum", "unique"})
"""Of a text, they look at each character by itself."""
MAX_RANGE = 1000
_STATEMENTS = (nodes.Output, nodes.If, nodes.For)
KNOWN = frozenset(
    {
        nodes.Template, nodes.Output, nodes.If, nodes.For, nodes.TemplateData, nodes.Const,
        nodes.Name, nodes.Tuple, nodes.List, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.Operand,
        nodes.CondExpr, nodes.Filter, nodes.Test, nodes.Call, nodes.Getitem, nodes.Getattr,
        nodes.Slice, nodes.Concat, nodes.Compare, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Add,
        nodes.Sub, nodes.Mod, nodes.Pow, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos,
    }
)  # fmt: skip
"""The types of syntax nodes whose cost is bounded and counted; any other is refused."""
_PADDING = frozenset(
    {"center", "expandtabs", "format", "format_map", "ljust", "rjust", "translate", "zfill"}
)
_LARGEST_EXPONENT = 64
_LARGEST_BITS = 16 * 1024
"""Of two whole numbers that are multiplied or divided, together."""
LARGEST = 64 * 1024
"""Characters or items of a value within a template."""
MAX_WORK = 200_000
"""What one rendering may do: 64 characters or 8 items made or read, or 8 syntax nodes of a
loop's body at each of its steps, is one; an operation is four."""
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


class TemplateRefused(OutdialError, ValueError):
    """A template uses something the sandbox does not have."""

    code = "template_refused"


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

    intercepted_binops = frozenset({"*", "**", "%", "+", "-", "/", "//"})

    def __init__(self) -> None:
        # Unoptimized: at every node, the optimizer tries anew to fold all that is below it.
        super().__init__(undefined=StrictUndefined, autoescape=False, optimized=False)
        self.filters = {name: _limited(name, self.filters[name]) for name in FILTERS}
        self.filters |= {_STEPS: _steps, _CONCAT: _concat, _MADE: _made, _READ: _read}
        self.filters = {name: _unfolded(each) for name, each in self.filters.items()}
        self.tests = {name: _unfolded(each) for name, each in self.tests.items()}
        self.globals = {"range": _short_range}

    def check(self, source: str) -> nodes.Template:
        """Parse `source`. Raises TemplateRefused, or Jinja2's TemplateSyntaxError."""
        tree = self.parse(source)
        require_bounded_nodes(tree)
        for loop in tree.find_all(nodes.For):
            if loop.recursive:
                raise TemplateRefused("a loop may not call itself")
        if _loops_within(tree) > MAX_LOOPS:
            raise TemplateRefused(f"at most {MAX_LOOPS} loops stand within each other")
        for each in tree.find_all(nodes.Expr):
            if any(getattr(each, name, None) is not None for name in ("dyn_args", "dyn_kwargs")):
                raise TemplateRefused("write arguments one by one, without * and **")
            if isinstance(each, nodes.Filter) and each.name in _OURS:
                raise TemplateRefused(f"{each.name!r} is no filter")
        return tree

    def compiled(self, tree: nodes.Template) -> tuple[Template, frozenset[str]]:
        """A template of a checked tree, in which everything that has a cost is counted, and the
        names that it looks up in any of its branches."""
        tree = _counted(tree, self)
        # What `meta.find_undeclared_variables` does, which has no way to leave the optimizer out.
        generator = meta.TrackingCodeGenerator(self)
        generator.optimizer = None
        generator.visit(tree)
        needs = generator.undeclared_identifiers - self.globals.keys()
        return self.from_string(tree), frozenset(needs)

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        # One that the sandbox refused is undefined here, and says so itself.
        if function is not self.globals["range"] and not isinstance(function, Undefined):
            name = getattr(function, "__name__", "")
            owner = getattr(function, "__self__", None)
            if name not in _METHODS or owner is None:
                raise SecurityError(f"{name or 'this'} is not among what a template may call")
            if isinstance(owner, str) and name in ("join", "replace"):
                _require_room(name, owner, args)
            _read([owner, *args, *kwargs.values()])
        return _made(super().call(context, function, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "+" and _size(left) + _size(right) > LARGEST:
            raise SecurityError(_TOO_LARGE)
        if operator == "**" and (_large(left, 1e6) or _large(right, _LARGEST_EXPONENT)):
            raise SecurityError("the power is too large")
        if operator in ("*", "%") and not _numbers(left, right):
            raise SecurityError(f"{operator} is for numbers; write int or float before it")
        if sum(n.bit_length() for n in (left, right) if isinstance(n, int)) > _LARGEST_BITS:
            raise SecurityError("the number is too large")
        _read([left, right])
        return _made(super().call_binop(context, operator, left, right))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return attr not in _PADDING and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """`str.format` pads without limit, so it is refused rather than wrapped."""


_OF_CONTEXT: dict[str, Callable[[Context], Any]] = {
    "context": lambda context: context,
    "eval_context": attrgetter("eval_ctx"),
    "environment": attrgetter("environment"),
}
"""What a filter or test may ask for, by Jinja2's name for it."""
_STEPS, _CONCAT = "outdial_steps", "outdial_concat"
_MADE, _READ = "outdial_made", "outdial_read"
_OURS = frozenset({_STEPS, _CONCAT, _MADE, _READ})
_TOO_LARGE = f"a value would hold more than {LARGEST} characters or items"


def require_bounded_nodes(tree: nodes.Template) -> None:
    """Raises TemplateRefused for a node whose cost nothing here bounds."""
    for node in tree.find_all(nodes.Node):
        if isinstance(node, nodes.Stmt) and not isinstance(node, _STATEMENTS):
            raise TemplateRefused("a template may hold {{ }}, {% if %} and {% for %} only")
        if type(node) not in KNOWN:
            raise TemplateRefused(f"a template may not hold {type(node).__name__}")


def _counted(node: Any, environment: Sandbox) -> Any:
    """The node, with filters around what makes or reads values, inner ones first."""

    def filtered(inner: nodes.Node, name: str, *more: nodes.Expr) -> Any:
        made = nodes.Filter(inner, name, list(more), [], None, None, lineno=node.lineno)
        return made.set_environment(environment)

    for name, value in node.iter_fields():
        if isinstance(value, list):
            value[:] = [_counted(v, environment) if isinstance(v, nodes.Node) else v for v in value]
        elif isinstance(value, nodes.Node) and not _is_target(value):
            setattr(node, name, _counted(value, environment))
    if isinstance(node, nodes.For):
        steps = 1 + sum(1 for _ in node.find_all(nodes.Node)) // 8
        node.iter = filtered(node.iter, _STEPS, nodes.Const(steps, lineno=node.lineno))
    elif isinstance(node, nodes.Concat):
        return filtered(nodes.List(node.nodes, lineno=node.lineno), _CONCAT)
    elif isinstance(node, nodes.List | nodes.Tuple | nodes.Dict) or _is_slice(node):
        return filtered(node, _MADE)
    elif isinstance(node, nodes.Getitem):
        node.arg = filtered(node.arg, _READ)
    elif isinstance(node, nodes.Compare | nodes.Operand):
        node.expr = filtered(node.expr, _READ)
    elif isinstance(node, nodes.Test):
        node.node = filtered(node.node, _READ)
        node.args = [filtered(each, _READ) for each in node.args]
        for keyword in node.kwargs:
            keyword.value = filtered(keyword.value, _READ)
    return node


def _is_slice(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice)


def _is_target(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name | nodes.Tuple) and node.ctx == "store"


def _spend(work: int) -> None:
    spent = _work.get()
    if spent is not None:
        spent[0] += work
        if spent[0] > MAX_WORK:
            raise SecurityError("the template does too much; write a simpler one")


def _steps(values: Any, work: int) -> Iterator[Any]:
    for value in values:
        _spend(work)
        yield value


def _concat(values: list[Any]) -> Any:
    """What `~` makes."""
    if _size(values) > LARGEST:
        raise SecurityError(_TOO_LARGE)
    return _made("".join(map(str, values)))


def _size(value: Any) -> int:
    """Characters and items of a value and of all within it; as soon as it is too large, so far."""
    return sum(_measured(value))


def _measured(value: Any) -> tuple[int, int]:
    """Characters and items, those within counted as often as they stand there."""
    characters = items = 0
    left = [value]
    while left and characters + items <= LARGEST:
        each = left.pop()
        if isinstance(each, str | bytes):
            characters += len(each)
        elif isinstance(each, range):
            items += len(each)
        elif isinstance(each, list | tuple | Set | ValuesView):
            items += len(each)
            left += each if len(each) <= LARGEST else ()
        elif isinstance(each, Mapping):
            items += len(each)
            left += (*each.keys(), *each.values()) if len(each) <= LARGEST else ()
    return characters, items


def _read(value: Any) -> Any:
    _pay(*_measured(value))
    return value


def _made(value: Any) -> Any:
    value = list(value) if isinstance(value, Iterator) else value
    characters, items = _measured(value)
    if characters + items > LARGEST:
        raise SecurityError(_TOO_LARGE)
    _pay(characters, items)
    return value


def _pay(characters: int, items: int) -> None:
    _spend(4 + characters // 64 + items // 8)


def _unfolded(function: Any) -> Any:
    """The filter or test, given what it asks for out of the context that it now asks for."""
    asks = getattr(function, "jinja_pass_arg", None)
    from_context = _OF_CONTEXT[asks.name] if asks is not None else None

    @functools.wraps(function)
    def unfolded(context: Context, /, *args: Any, **kwargs: Any) -> Any:
        before = () if from_context is None else (from_context(context),)
        return function(*before, *args, **kwargs)

    return pass_context(unfolded)


def _limited(name: str, function: Any) -> Any:
    """The filter, refused before it makes a large text, and counted."""
    skipped = int(getattr(function, "jinja_pass_arg", None) is not None)

    @functools.wraps(function)
    def limited(*args: Any, **kwargs: Any) -> Any:
        value, more = args[skipped], args[skipped + 1 :]
        _read([*args[skipped:], *kwargs.values()])
        if isinstance(value, str) and name in _ITERATING:
            _pay(0, len(value))
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
        elif name == "round" and _large(kwargs.get("precision", more[0] if more else 0), 64):
            raise SecurityError("round takes at most 64 digits")
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
