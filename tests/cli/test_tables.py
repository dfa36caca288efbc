"""Tables print what they are given: text of people is never read as markup."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outdial.cli.output import new_table, print_table
from outdial.domain.call.claim import ClaimedCall
from tests.cli.conftest import Outdial

CLI = Path(__file__).parents[2] / "outdial" / "cli"
NASTY = "ticket [/ops/12] [red]:warning:"
TEXT = st.text(st.sampled_from("[]/\\:ab1=#@"), min_size=1, max_size=12)


@given(heading=TEXT, cell=TEXT)
@example(heading=NASTY, cell=NASTY)
@example(heading="[b]", cell="\\[b]")
@example(heading=":cat:", cell=":cat:")
def test_headings_and_cells_are_printed_as_they_are(heading: str, cell: str) -> None:
    table = new_table(heading)
    table.add_row(cell)
    with pytest.MonkeyPatch.context() as patch:
        printed: list[str] = []
        patch.setattr("sys.stdout.write", printed.append)
        print_table(table)
    assert [line.rstrip() for line in "".join(printed).splitlines()] == [heading, cell]


def test_commands_list_reasons_and_names_with_brackets(outdial: Outdial, call: ClaimedCall) -> None:
    outdial("pause", call.campaign, "--reason", NASTY)
    outdial("keys", "create", NASTY, "--scope", "calls:write")
    for command in (("log",), ("keys", "list"), ("status", call.campaign)):
        listed = outdial(*command)
        assert listed.exit_code == 0, listed.output
        assert NASTY in listed.output


def test_every_console_is_that_of_output() -> None:
    """Another one would read markup, which is Rich's default."""
    made = [
        path.relative_to(CLI).as_posix()
        for path in CLI.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Console"
    ]
    assert made == ["output.py"]
