"""A defect of ours ends a command as one, with its traceback, never as an outage of Temporal."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from temporalio.client import Client

from outdial.domain.call.claim import ClaimedCall
from outdial.runtime import connection
from tests.cli.conftest import Outdial
from tests.services.defective import DEFECTS, NEVER_CONNECTED, DefectiveServiceClient, client_of


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
