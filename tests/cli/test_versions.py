"""`outdial --version`, and where the version is written."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

import outdial as package
from outdial.cli.versions import version_lines
from outdial.domain.rules.rulebook import shipped_rulebook
from outdial.domain.rules.zone import zone_evidence
from outdial.store.db import newest
from outdial.store.db.newest import newest_revision
from tests.cli.conftest import Outdial

ROOT = Path(__file__).parents[2]


def test_each_version_has_a_line(outdial: Outdial) -> None:
    result = outdial("--version")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == list(version_lines())
    shown = dict(re.findall(r"^(.+?) (\d.*|pytz .*)$", result.stdout, re.MULTILINE))
    assert shown["outdial"] == package.__version__
    assert shown["Temporal SDK"] == version("temporalio")


def test_rules_and_zone_data_are_written_as_decisions_write_them() -> None:
    lines = list(version_lines())
    assert f"rules {shipped_rulebook().key}" in lines
    [zones] = (line.removeprefix("zone data ") for line in lines if line.startswith("zone data "))
    assert zones.startswith(zone_evidence("+12125550143").data_version)


def test_the_schema_is_the_newest_migration(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config()
    config.set_main_option("script_location", str(newest.VERSIONS.parent))
    assert newest_revision() == ScriptDirectory.from_config(config).get_current_head()


def test_a_version_that_can_be_installed() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", package.__version__)
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert re.findall(r"image: outdial:(\S+)", compose) == [package.__version__]
