"""Where the store executes statements, read from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import outdial.store
from tests.history.measuring import Site

_STORE = Path(outdial.store.__file__ or "").parent
_EXECUTE = frozenset({"execute", "exec_driver_sql"})
_LEFT_OUT = (
    "db/migrations/",
    "db/migrate.py",
    "db/engines.py",
    "db/database.py",
    "db/clocks.py",
    "db/statistics.py",
)
"""What sets a connection up, what reads no table, and statistics, which are gathered from a bounded
number of rows."""


class Call(NamedTuple):
    """A call of `execute`."""

    file: str
    function: str
    first: int
    last: int

    def reached(self, sites: Iterable[Site]) -> bool:
        return any(file == self.file and self.first <= line <= self.last for file, line in sites)

    def __str__(self) -> str:
        return f"outdial/store/{self.file}: {self.function}"


def executing() -> Iterator[Call]:
    for path in sorted(_STORE.rglob("*.py")):
        file = str(path.relative_to(_STORE))
        if file.startswith(_LEFT_OUT):
            continue
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for node in ast.walk(function):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in _EXECUTE
                ):
                    yield Call(file, function.name, node.lineno, node.end_lineno or node.lineno)
