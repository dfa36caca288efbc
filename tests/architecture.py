"""The rules of the house that no linter knows: functions from one source file to findings."""

from __future__ import annotations

import ast
import builtins
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

Finding = tuple[int, str]
"""The line, and what is wrong with it."""

MAX_FILE_LINES = 450
MAX_FUNCTION_LINES = 60

PURE_LIBRARY = frozenset(
    [
        "__future__",
        "abc",
        "bisect",
        "collections",
        "copy",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
        "enum",
        "fractions",
        "functools",
        "graphlib",
        "hashlib",
        "heapq",
        "itertools",
        "json",
        "math",
        "operator",
        "re",
        "statistics",
        "string",
        "types",
        "typing",
        "unicodedata",
    ]
)
"""The part of the standard library that neither acts on the world nor asks it anything."""

DOMAIN_MAY_IMPORT = PURE_LIBRARY | {
    "outdial.domain",
    "importlib.resources",  # its own tables, in domain/data
    "phonenumbers",
    "pydantic",
    "pydantic_core",  # its JSON parser
    "pytz",
}
REHEARSAL_MAY_IMPORT = PURE_LIBRARY | {
    "outdial.contracts",
    "outdial.domain",
    "outdial.rehearsal",
    "pydantic",
    "struct",
}
CLIENT_MAY_IMPORT = frozenset(
    {"outdial.client", "outdial.domain.errors"}
    | {"__future__", "asyncio", "collections", "dataclasses", "datetime", "functools", "pathlib"}
    | {"random", "time", "types", "typing", "urllib.parse", "uuid"}
    | {"httpx", "pydantic", "standardwebhooks"}
)
"""Other services install it: nothing of the engine comes along."""
WORKFLOWS_MAY_IMPORT = PURE_LIBRARY | {
    "asyncio",
    "outdial.contracts",
    "outdial.domain",
    "pydantic",
    "temporalio",
    "workflows",
}

CLOCK = frozenset(
    {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
    | {f"time.{name}" for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter")}
)

TEMPORAL_CLIENT = frozenset({"temporalio.client", "temporalio.service"})
TEMPORAL_CALLS = frozenset(
    {
        "count_workflows",
        "create_schedule",
        "execute_update",
        "execute_workflow",
        "get_schedule_handle",
        "get_workflow_handle",
        "get_workflow_handle_for",
        "list_schedules",
        "list_workflows",
        "operator_service",
        "start_update",
        "start_workflow",
        "workflow_service",
    }
)
"""Attributes of the SDK's client, by which it starts, finds and describes workflows."""

VENDORS = frozenset(
    {"bland", "elevenlabs", "livekit", "plivo", "retell", "telnyx", "twilio", "vapi"}
    | {
        path.parent.name
        for path in Path(__file__).parents[1].glob("outdial/providers/adapters/*/__init__.py")
    }
)
"""Names that only the catalog and the adapters may know, those to come among them."""

ROWS = frozenset(["call", "campaign", "case", "locked", "recipient", "row"])
LOCKED_PARTS = frozenset(["call", "call_row", "campaign", "changes", "recipient", "recipient_row"])
"""What a `LockedCall` is made of."""

SWAMPS = frozenset(["common", "helper", "helpers", "misc", "util", "utils"])
MAY_BE_RAISED = frozenset(["AssertionError", "OSError", "RuntimeError", "SystemExit", "ValueError"])
"""Defects, what an operating system says, the end of a process, and what makes pydantic refuse."""
UNDONE = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


@dataclass(frozen=True)
class Source:
    """One Python file, by its path from the root of the project."""

    path: PurePosixPath
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=str(self.path))

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Everything in the tree. Most rules go over it: to walk once takes a tenth of the time."""
        return tuple(ast.walk(self.tree))

    @property
    def room(self) -> str:
        """The folder of the engine, or of the root, that it stands in."""
        parts = self.path.parts
        return (parts[1] if parts[0] == "outdial" and len(parts) > 1 else parts[0]).removesuffix(
            ".py"
        )

    @property
    def shipped(self) -> bool:
        return self.room not in {"bench", "samples", "tests"}

    @property
    def migration(self) -> bool:
        return "migrations" in self.path.parts


Rule = Callable[[Source], Iterator[Finding]]


def read_sources(root: Path) -> list[Source]:
    """Every Python file of the project, without hidden folders and build results."""
    skipped = {"build", "dist"}
    return [
        Source(relative, path.read_text(encoding="utf-8"))
        for path in sorted(root.rglob("*.py"))
        if not skipped.intersection((relative := PurePosixPath(path.relative_to(root))).parts)
        and not any(part.startswith(".") for part in relative.parts)
    ]


def imported_names(source: Source) -> Iterator[Finding]:
    """Line and full dotted name of everything a file imports, relative imports resolved."""
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = source.path.parts[: -node.level] if node.level else ()
            base = ".".join((*parents, *([node.module] if node.module else [])))
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def _within(name: str, allowed: frozenset[str]) -> bool:
    parts = name.split(".")
    return any(".".join(parts[:depth]) in allowed for depth in range(1, len(parts) + 1))


def _for_types_alone(source: Source) -> set[int]:
    """Lines under `if TYPE_CHECKING:`, which import nothing when the program runs."""
    blocks = (
        node
        for node in source.nodes
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
    )
    return {step.lineno for block in blocks for step in block.body}


def domain_is_pure(source: Source) -> Iterator[Finding]:
    if source.room == "domain":
        for line, name in imported_names(source):
            if not _within(name, DOMAIN_MAY_IMPORT):
                yield line, f"the domain may not import {name}"


def rehearsal_is_pure(source: Source) -> Iterator[Finding]:
    """A rehearsal of days takes seconds, and gives the same for the same seed."""
    if source.room == "rehearsal":
        for line, name in imported_names(source):
            if not _within(name, REHEARSAL_MAY_IMPORT):
                yield line, f"a rehearsal may not import {name}"


def client_stands_alone(source: Source) -> Iterator[Finding]:
    if source.room == "client":
        for line, name in imported_names(source):
            if not _within(name, CLIENT_MAY_IMPORT):
                yield line, f"the client may not import {name}"


def matplotlib_is_imported_late(source: Source) -> Iterator[Finding]:
    """It takes longer to import than most commands take in all."""
    types = _for_types_alone(source)
    at_once = {node.lineno for node in source.tree.body if hasattr(node, "lineno")}
    for line, name in imported_names(source):
        if not source.shipped or name.split(".")[0] != "matplotlib" or line in types:
            continue
        if source.room != "drawing":
            yield line, f"{name} belongs into outdial/drawing"
        elif line in at_once:
            yield line, f"{name} is imported by the functions that draw"


def workflows_only_decide(source: Source) -> Iterator[Finding]:
    if source.room == "workflows":
        for line, name in imported_names(source):
            if not _within(name, WORKFLOWS_MAY_IMPORT):
                yield line, f"a workflow may not import {name}: it belongs into an activity"


def dispatch_talks_to_temporal(source: Source) -> Iterator[Finding]:
    """The runtime connects and registers, the worker works: all else goes through dispatch, where
    Temporal's errors are translated."""
    if not source.shipped or source.room in {"dispatch", "runtime", "worker"}:
        return
    types = _for_types_alone(source)
    for line, name in imported_names(source):
        if line not in types and _within(name, TEMPORAL_CLIENT):
            yield line, f"{name} belongs into outdial/dispatch"
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and node.attr in TEMPORAL_CALLS:
            yield node.lineno, f"only outdial/dispatch calls {node.attr}"


def doors_are_not_imported(source: Source) -> Iterator[Finding]:
    """import-linter sees packages alone, so not worker.py."""
    if source.shipped and source.room not in {"cli", "worker"}:
        for line, name in imported_names(source):
            if name.split(".")[0] in {"bench", "tests", "worker"}:
                yield line, f"{name} is a door or a test, and no room may import it"


def time_is_an_argument(source: Source) -> Iterator[Finding]:
    if source.room in {"domain", "rehearsal", "workflows"}:
        for node in source.nodes:
            if isinstance(node, ast.Attribute):
                owner = node.value
                name = getattr(owner, "id", None) or getattr(owner, "attr", "")
                if f"{name}.{node.attr}" in CLOCK:
                    yield node.lineno, f"{name}.{node.attr} reads a clock; take `now` instead"


def one_commit(source: Source) -> Iterator[Finding]:
    if source.shipped and source.path != PurePosixPath("outdial/store/db/database.py"):
        for node in source.nodes:
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "commit"
            ):
                yield node.lineno, "only outdial/store/db/database.py commits"


def settings_read_the_environment(source: Source) -> Iterator[Finding]:
    if source.shipped and source.path != PurePosixPath("outdial/runtime/settings/settings.py"):
        names = {"environ", "environb", "getenv", "getenvb"}
        for node in source.nodes:
            reads = isinstance(node, ast.Attribute) and node.attr in names
            takes = isinstance(node, ast.ImportFrom) and names & {a.name for a in node.names}
            if reads or takes:
                line = getattr(node, "lineno", 1)
                yield line, "only outdial/runtime/settings/settings.py reads the environment"


def no_provider_by_name(source: Source) -> Iterator[Finding]:
    """`if provider == "twilio"` is a method of the port that is missing."""
    if source.shipped and source.room != "providers":
        for node in source.nodes:
            if isinstance(node, ast.Compare | ast.MatchValue):
                for part in ast.walk(node):
                    if isinstance(part, ast.Constant) and part.value in VENDORS:
                        yield node.lineno, f"decides by the provider's name {part.value!r}"


def short_file(source: Source) -> Iterator[Finding]:
    lines = len(source.text.splitlines())
    if lines > MAX_FILE_LINES and not source.migration:
        yield lines, f"{lines} lines, more than {MAX_FILE_LINES}: has it two subjects?"


def short_functions(source: Source) -> Iterator[Finding]:
    if source.room != "tests" and not source.migration:
        for node in source.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    yield node.lineno, f"{node.name} has {lines} lines, not {MAX_FUNCTION_LINES}"


def no_swamp(source: Source) -> Iterator[Finding]:
    for part in source.path.with_suffix("").parts:
        if part in SWAMPS:
            yield 1, f"{part!r} names no subject"


def nothing_left_undone(source: Source) -> Iterator[Finding]:
    if UNDONE.search(source.text):  # in a comment or not: to tell tokens apart takes far longer
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            if token.type == tokenize.COMMENT and UNDONE.search(token.string):
                yield token.start[0], f"left undone: {token.string}"
    for node in source.nodes if "NotImplementedError" in source.text else ():
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if getattr(raised, "id", "") == "NotImplementedError":
                yield node.lineno, "left undone: NotImplementedError"


def _builtin_error(node: ast.expr | None) -> str | None:
    """The name of a built-in exception, raised or derived from; None for anything else."""
    name = getattr(node.func if isinstance(node, ast.Call) else node, "id", "")
    value = getattr(builtins, name, None)
    return name if isinstance(value, type) and issubclass(value, BaseException) else None


def errors_have_one_root(source: Source) -> Iterator[Finding]:
    """What another module catches is an OutdialError. `tests/test_errors.py` asks for its code."""
    if not source.shipped:
        return
    caught = {
        name.id
        for node in source.nodes
        if isinstance(node, ast.ExceptHandler) and node.type is not None
        for name in ast.walk(node.type)
        if isinstance(name, ast.Name)
    }
    for node in source.nodes:
        if isinstance(node, ast.ClassDef) and node.bases and node.name not in caught:
            own = node.name == "OutdialError"
            if not own and all(map(_builtin_error, node.bases)):
                yield node.lineno, f"{node.name} is no OutdialError"
        elif isinstance(node, ast.Raise):
            name = _builtin_error(node.exc)
            if name is not None and name not in MAY_BE_RAISED | caught:
                yield node.lineno, f"raises {name}, which has no code"


def no_error_swallowed(source: Source) -> Iterator[Finding]:
    broad = {"BaseException", "Exception"}
    may = "except" in source.text or "suppress" in source.text
    for node in source.nodes if may else ():
        if isinstance(node, ast.ExceptHandler):
            silent = all(isinstance(step, ast.Pass | ast.Continue) for step in node.body)
            if node.type is None or (silent and getattr(node.type, "id", "") in broad):
                yield node.lineno, "swallows every error"
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "suppress":
            hidden = broad & {getattr(argument, "id", "") for argument in node.args}
            yield from ((node.lineno, f"suppresses every {name}") for name in hidden)


def _indexed_by_string(source: Source) -> Iterator[tuple[int, ast.expr]]:
    """What is subscripted with a string, and on which line."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Subscript):
            key = node.slice
            if isinstance(key, ast.JoinedStr) or isinstance(getattr(key, "value", None), str):
                yield node.lineno, node.value


def rows_stay_in_the_store(source: Source) -> Iterator[Finding]:
    """What leaves the store is a value with attributes, which mypy knows."""
    if not source.shipped or source.room == "store":
        return
    for line, owner in _indexed_by_string(source):
        name = getattr(owner, "id", None) or getattr(owner, "attr", "")
        if name in ROWS:
            yield line, f"reads {name} by a column's name; give a value with attributes instead"
    for line, name in imported_names(source):
        if name.split(".")[0] == "sqlalchemy" and name.split(".")[-1] in {"Row", "RowMapping"}:
            yield line, f"{name} may not leave the store"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr == "mappings":
            yield node.lineno, "only the store reads rows"


def locked_calls_are_values(source: Source) -> Iterator[Finding]:
    """`locked.call.tenant`, never `locked.call["tenant"]`, whatever name the part goes by."""
    if source.room != "store":
        return
    assigned = (node for node in ast.walk(source.tree) if isinstance(node, ast.Assign))
    names = {
        target.id
        for node in assigned
        if isinstance(node.value, ast.Attribute) and node.value.attr in LOCKED_PARTS
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for line, owner in _indexed_by_string(source):
        part = isinstance(owner, ast.Attribute) and owner.attr in LOCKED_PARTS
        if part or getattr(owner, "id", "") in names | {"locked"}:
            yield line, f"reads {ast.unparse(owner)} by a column's name; it has attributes"


RULES: tuple[Rule, ...] = (
    domain_is_pure,
    rehearsal_is_pure,
    client_stands_alone,
    matplotlib_is_imported_late,
    workflows_only_decide,
    dispatch_talks_to_temporal,
    doors_are_not_imported,
    time_is_an_argument,
    one_commit,
    settings_read_the_environment,
    no_provider_by_name,
    short_file,
    short_functions,
    no_swamp,
    nothing_left_undone,
    errors_have_one_root,
    no_error_swallowed,
    rows_stay_in_the_store,
    locked_calls_are_values,
)
