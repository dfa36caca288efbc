"""A command starts fast: it imports what it uses, and the list of commands imports none of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer

from outdial.cli.lazy import LazyCommand, LazyGroup
from outdial.cli.main import Commands, app
from tests.cli.conftest import Outdial
from tests.cli.test_definitions import GOOD

PROGRAM = """\
import json, sys
from outdial.cli.main import app
modules = []
for arguments in json.loads(sys.argv[1]):
    try:
        app(arguments, prog_name="outdial")
    except SystemExit:
        pass
    modules.append(sorted(sys.modules))
sys.stderr.write(json.dumps(modules))
"""
TEMPORAL = {"temporalio", "nexusrpc", "google.protobuf"}
DATABASE = {"sqlalchemy", "sqlmodel", "alembic", "psycopg"}
HTTP = {"httpx", "httpcore", "fastapi", "uvicorn", "caldav", "jwt"}
HEAVY = {"launch"}
"""Commands whose module imports what they work with; none may be added."""
READERS = [["status"], ["lines"], ["calls", "x"], ["watch", "x"], ["keys", "list"], ["audit", "x"]]


def imported(folder: Path, *commands: Sequence[str]) -> list[set[str]]:
    """The modules that are imported after each of these commands, which one process runs."""
    environ = {name: text for name, text in os.environ.items() if "TEMPORAL" not in name}
    run = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, json.dumps(commands)],
        cwd=folder,
        env=environ | {"OUTDIAL_STATE_DIR": "state", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in run.stderr, run.stderr
    return [set(modules) for modules in json.loads(run.stderr.splitlines()[-1])]


def test_help_imports_no_command(tmp_path: Path) -> None:
    [modules] = imported(tmp_path, ["--help"])
    assert not modules & (TEMPORAL | DATABASE | HTTP | {"pydantic", "ruamel", "phonenumbers"})
    ours = {name for name in modules if name.startswith("outdial")}
    assert ours == {
        "outdial", "outdial.cli", "outdial.cli.lazy", "outdial.cli.main",
        "outdial.domain", "outdial.domain.retired",
    }  # fmt: skip
    assert len(modules) < 400


def test_help_of_a_command_imports_no_more_than_describes_it(tmp_path: Path) -> None:
    named = [[command.name, "--help"] for command in Commands.lazy_commands]
    light = [arguments for arguments in named if arguments[0] not in HEAVY]
    for arguments, modules in zip(light, imported(tmp_path, *light), strict=True):
        heavy = modules & (TEMPORAL | DATABASE | HTTP | {"pydantic_settings", "ruamel", "jinja2"})
        assert not heavy, arguments


def test_validate_imports_what_reads_a_file(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")
    [modules] = imported(tmp_path, ["validate", "good.yaml"])
    assert not modules & (TEMPORAL | DATABASE | {"fastapi", "caldav", "jwt", "filelock"})
    assert len([name for name in modules if name.startswith("outdial")]) < 170


def test_a_schema_imports_its_models(tmp_path: Path) -> None:
    [modules] = imported(tmp_path, ["schema"])
    assert not modules & (TEMPORAL | DATABASE | HTTP | {"rich.console", "ruamel"})


@pytest.mark.usefixtures("database")
def test_reading_records_needs_no_temporal(tmp_path: Path) -> None:
    for arguments, modules in zip(READERS, imported(tmp_path, *READERS), strict=True):
        assert "sqlmodel" in modules
        other = {"alembic", "ruamel", "jinja2", "filelock"}
        assert not modules & (TEMPORAL | HTTP | other), arguments


@pytest.mark.parametrize("command", Commands.lazy_commands, ids=lambda command: command.name)
def test_the_list_shows_each_command_as_it_describes_itself(command: LazyCommand) -> None:
    paragraph = command.load().help.split("\n\n")[0]
    assert command.help == " ".join(paragraph.split())


def test_a_wrong_name_is_corrected(outdial: Outdial) -> None:
    result = outdial("lunch")
    assert result.exit_code == 2
    assert "Did you mean 'launch'?" in result.stderr


def test_commands_of_commands_are_commands(outdial: Outdial) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, LazyGroup)
    assert set(group.load("line").commands) == {"check"}
    assert "Usage: outdial line check" in outdial("line", "check", "--help").output
