"""Every row of the table of the vendors' documented requests has a test that names it.

A name begins with `test_12_`, `test_row_12_`, `test_48_49_50_`, `test_rows_17_and_19_` or
`test_rows_13_to_16_`.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROWS = {
    "buildvoiceai": range(1, 11),
    "vozagent": range(11, 27),
    "thinnestai": range(27, 42),
    "voxanne": range(42, 66),
    "voxpria": range(66, 75),
    "": range(75, 78),
}
"""The rows of each system's folder; the last ones are of all systems on one host."""
HERE = Path(__file__).parent
_NUMBERS = re.compile(r"test_(?:rows?_)?((?:\d+_(?:and_|to_)?)+)")


def rows_in(name: str) -> set[int]:
    """The rows that the name of a test begins with."""
    match = _NUMBERS.match(name)
    if match is None:
        return set()
    named: list[int] = []
    words = match[1].strip("_").split("_")
    for before, word in zip(["", *words], words, strict=False):
        if word.isdigit():
            named += range(named[-1] if before == "to" else int(word), int(word) + 1)
    return set(named)


def rows_of(folder: Path) -> set[int]:
    rows: set[int] = set()
    for file in folder.glob("test_*.py"):
        for part in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                rows |= rows_in(part.name)
    return rows


def test_names_say_which_rows() -> None:
    assert rows_in("test_48_49_50_what_is_known_of_a_call") == {48, 49, 50}
    assert rows_in("test_rows_13_to_16_contacts") == {13, 14, 15, 16}
    assert rows_in("test_rows_17_and_19_a_call") == {17, 19}
    assert rows_in("test_row_6_a_hundred_requests") == {6}
    assert rows_in("test_a_100_requests") == set()


def test_every_row_has_a_test() -> None:
    missing = {row for system, rows in ROWS.items() for row in set(rows) - rows_of(HERE / system)}
    assert missing == set()
    assert [row for rows in ROWS.values() for row in rows] == list(range(1, 78))
