"""What a shell offers after Tab."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from outdial.cli import campaign_name
from outdial.cli.main import Commands, app
from outdial.store.campaign import campaigns
from outdial.store.db.database import Database
from tests.services.world import NOW, definition

Offered = Callable[[str], list[str]]


@pytest.fixture
def offered(state_dir: Path) -> Offered:
    """What bash is told for a line that ends where the cursor is."""

    def complete(line: str) -> list[str]:
        environ = {
            "_OUTDIAL_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(line.split(" ")) - 1),
        }
        result = CliRunner().invoke(app, [], prog_name="outdial", env=environ)
        assert (result.exit_code, result.stderr) == (0, "")
        return result.stdout.split()

    return complete


def launch(database: Database, *names: str) -> None:
    for name in names:
        loaded = definition(name)
        database.write_sync(
            lambda s, loaded=loaded: campaigns.launch_campaign(  # type: ignore[misc]
                s, "default", loaded.definition.on_line("simulated"), loaded.source_text,
                now=NOW, again=False,
            )
        )  # fmt: skip


def test_commands_options_and_values_are_offered(offered: Offered) -> None:
    commands = [command.name for command in Commands.lazy_commands]
    assert offered("outdial re") == [name for name in commands if name.startswith("re")]
    assert offered("outdial keys cr") == ["create"]
    assert offered("outdial launch --ag") == ["--again"]
    assert offered("outdial calls a --status in") == ["in_progress"]
    assert offered("outdial completely-else x") == []


def test_names_of_campaigns_are_offered(database: Database, offered: Offered) -> None:
    launch(database, "spring", "spring-2", "summer", "autumn")
    assert offered("outdial pause sp") == ["spring", "spring-2"]
    assert offered("outdial pause spring") == ["spring", "spring-2"]
    assert offered("outdial status ") == ["autumn", "spring", "spring-2", "summer"]
    assert offered("outdial explain z") == []


def test_no_more_names_than_a_person_reads(
    database: Database, offered: Offered, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch(database, "a", "b1", "b2", "b3")
    monkeypatch.setattr(campaign_name, "OFFERED", 2)
    assert offered("outdial watch b") == ["b1", "b2"]


def test_a_database_that_can_not_be_read_offers_nothing(
    offered: Offered, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert offered("outdial pause sp") == [], "there is none"
    state_dir.mkdir()
    (state_dir / "outdial.db").write_bytes(b"no database" * 1000)
    assert offered("outdial pause sp") == []
    monkeypatch.setenv("OUTDIAL_NO_SUCH_SETTING", "1")
    assert offered("outdial pause sp") == []


@pytest.mark.faults
def test_bash_completes_by_the_script_that_it_is_given(tmp_path: Path) -> None:
    environ = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "OUTDIAL_STATE_DIR": str(tmp_path),
    }
    program = """
        eval "$(_OUTDIAL_COMPLETE=source_bash outdial)"
        COMP_WORDS=(outdial resum) COMP_CWORD=1
        $(complete -p outdial | sed 's/.*-F //; s/ .*//') outdial
        echo "${COMPREPLY[@]}"
    """
    bash = ["bash", "--norc", "-c", program]
    run = subprocess.run(bash, env=environ, capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("resume\n", "")
