"""A defect of ours ends a command as one, with its traceback, never as an outage of Temporal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from temporalio.client import Client

from outdial.domain.call.claim import ClaimedCall
from outdial.runtime import connection
from tests.cli.conftest import Outdial
from tests.services.defective import DEFECTS, NEVER_CONNECTED, DefectiveServiceClient, client_of
from tests.services.world import NUMBERS

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"


def connected_to(monkeypatch: pytest.MonkeyPatch, temporal: Client) -> None:
    async def connect(*_: object, **__: object) -> Client:
        return temporal

    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.setattr(connection, "connect_temporal", connect)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=DEFECTS)
def test_a_runtime_error_of_ours_is_a_defect(
    outdial: Outdial, call: ClaimedCall, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    connected_to(monkeypatch, client_of(DefectiveServiceClient(text)))
    result = outdial("pause", call.campaign)
    assert type(result.exception) is RuntimeError
    assert str(result.exception) == text
    assert "Temporal does not answer" not in result.output


def test_an_outage_is_told_as_one(
    outdial: Outdial, call: ClaimedCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected_to(monkeypatch, client_of(DefectiveServiceClient(f"{NEVER_CONNECTED}nobody")))
    result = outdial("pause", call.campaign)
    assert result.exit_code == 1
    assert result.stderr == f"Temporal does not answer, so {call.campaign} was not changed\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["suppress", NUMBERS[0]], "1 number added."),
        (
            ["block", "US-HI", "--until", "2099-01-01", "--reason", "storm"],
            "US-HI is blocked until",
        ),
        (["unblock", "US-HI"], "US-HI was not blocked."),
    ],
)
def test_what_only_needs_its_record_is_recorded_while_temporal_is_away(
    outdial: Outdial,
    call: ClaimedCall,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    expected: str,
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    result = outdial(*arguments)
    assert result.exit_code == 0, result.output
    assert expected in result.stdout
    what = "1 call could not be ended now" if "suppress" in arguments else "1 campaign could not be"
    assert what in result.stdout
    if "suppress" in arguments:
        assert "ended by the next sweep of a worker" in result.stdout
        assert "1 on the list before" in outdial(*arguments).stdout


@pytest.mark.parametrize("command", ["pause", "stop"])
def test_what_needs_temporal_changes_nothing_while_it_is_away(
    outdial: Outdial, call: ClaimedCall, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    result = outdial(command, call.campaign)
    assert result.exit_code == 1
    assert result.stderr.startswith("no Temporal server answers at 127.0.0.1:1")
    (status,) = [json.loads(outdial("status", call.campaign, "--json").stdout)]
    assert status["state"] == "running"


def test_the_runbook_says_what_needs_the_database_alone() -> None:
    text = " ".join(RUNBOOK.read_text(encoding="utf-8").split())
    sentences = [each for each in text.split(". ") if "database alone" in each]
    named = {name for each in sentences for name in re.findall(r"`outdial (\w+)", each)}
    assert named == {"block", "suppress"}


def test_a_refusal_is_told_as_one(
    outdial: Outdial, call: ClaimedCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = f'{NEVER_CONNECTED}Status {{ code: PermissionDenied, message: "no" }}'
    connected_to(monkeypatch, client_of(DefectiveServiceClient(refused)))
    result = outdial("pause", call.campaign)
    assert result.exit_code == 1
    assert result.stderr == f"Temporal refused: no; so {call.campaign} was not changed\n"
