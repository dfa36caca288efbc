"""Changes made while nothing runs hold at the next start; refusals are one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from outdial.domain.call.claim import CampaignState, ClaimedCall
from outdial.store.campaign import campaigns
from outdial.store.db.database import Database
from tests.cli.conftest import Outdial
from tests.cli.test_definitions import GOOD

NOT_RUNNING = "No engine is running; it takes effect when one starts."


def state_of(database: Database, name: str) -> CampaignState:
    record = database.read_sync(lambda s: campaigns.find_campaign(s, "default", name))
    assert record is not None
    return record.state


def test_pause_and_resume(outdial: Outdial, call: ClaimedCall, database: Database) -> None:
    name = call.campaign
    result = outdial("pause", name, "--reason", "lunch")
    assert (result.exit_code, result.output) == (0, f"{name} is paused. {NOT_RUNNING}\n")
    assert state_of(database, name) is CampaignState.PAUSED
    assert "paused (lunch)" in outdial("status", name).output
    result = outdial("resume", name)
    assert (result.exit_code, result.output) == (0, f"{name} is running. {NOT_RUNNING}\n")
    assert state_of(database, name) is CampaignState.RUNNING


def test_stop_waits_for_the_call_in_flight(
    outdial: Outdial, call: ClaimedCall, database: Database
) -> None:
    name = call.campaign
    result = outdial("stop", name)
    assert (result.exit_code, result.output) == (0, f"{name} is stopping. {NOT_RUNNING}\n")
    assert state_of(database, name) is CampaignState.STOPPING
    refused = outdial("resume", name)
    assert refused.exit_code == 1
    assert refused.stderr == f"campaign {name} is stopping; it cannot become running\n"


def test_launch_without_watching_needs_an_engine(outdial: Outdial, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")
    result = outdial("launch", "good.yaml", "--no-watch")
    assert result.exit_code == 1
    assert result.stderr.startswith("--no-watch needs an engine that keeps running")
    assert not (tmp_path / "state").exists()


def test_try_wants_a_telephone_number(outdial: Outdial) -> None:
    result = outdial("try", "any.yaml", "--to", "12")
    assert result.exit_code == 1
    assert result.stderr.startswith("--to: found '12'")


def test_wrong_settings_end_any_command(outdial: Outdial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTDIAL_TENNANT", "clinic")
    result = outdial("status")
    assert result.exit_code == 1
    assert result.stderr == (
        "OUTDIAL_TENNANT: there is no such setting; did you mean OUTDIAL_TENANT?\n"
    )


def test_up_leaves_a_configured_cluster_alone(
    outdial: Outdial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.example.com:7233")
    result = outdial("up")
    assert result.exit_code == 1
    assert "temporal.example.com:7233" in result.stderr


def test_a_cluster_that_does_not_answer_is_told(
    outdial: Outdial, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    result = outdial("setup")
    assert result.exit_code == 1
    assert result.stderr == (
        "no Temporal server answers at 127.0.0.1:1; start it, or correct TEMPORAL_ADDRESS\n"
    )


def test_migrate_can_be_repeated(outdial: Outdial, state_dir: Path) -> None:
    for _ in range(2):
        result = outdial("migrate")
        assert (result.exit_code, result.output) == (0, "The database is up to date.\n")
    assert (state_dir / "outdial.db").exists()


def test_a_database_of_another_version_is_told(outdial: Outdial, state_dir: Path) -> None:
    state_dir.mkdir()
    (state_dir / "outdial.db").touch()
    result = outdial("status")
    assert result.exit_code == 1
    assert result.stderr.endswith("run `outdial migrate` first\n")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("written", [("--because", "lunch"), ("--because=lunch",)])
def test_a_retired_option_is_refused_with_its_current_name(
    outdial: Outdial, written: tuple[str, ...]
) -> None:
    result = outdial("pause", "reminder", *written)
    assert result.exit_code == 2
    assert "--because is now --reason" in result.stderr


def test_a_retired_option_is_known_where_its_successor_is(outdial: Outdial) -> None:
    result = outdial("explain", "reminder", "+12025550123", "--because", "lunch")
    assert result.exit_code == 2
    assert "No such option: --because" in result.stderr
