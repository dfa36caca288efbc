"""`outdial nexus` creates its endpoint where the engine runs; what Temporal refuses is one line."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio.service import RPCError, RPCStatusCode

from outdial.dispatch import nexus as dispatch
from outdial.runtime import connection
from outdial.runtime.settings.settings import Settings
from outdial.runtime.stack.statefile import Endpoints, StackState, owned, write_state
from outdial.runtime.temporal_config import temporal_address
from tests.cli.conftest import Outdial


class FakeClient:
    namespace = "default"


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses at which endpoints were created."""
    addresses: list[str] = []

    async def connect(settings: Settings, **_: Any) -> FakeClient:
        addresses.append(temporal_address(settings))
        return FakeClient()

    async def create(client: FakeClient, name: str) -> bool:
        return True

    monkeypatch.setattr(connection, "connect_temporal", connect)
    monkeypatch.setattr(dispatch, "create_endpoint", create)
    return addresses


def test_beside_a_running_stack_it_is_the_stacks(
    outdial: Outdial, state_dir: Path, connected: list[str]
) -> None:
    state_dir.mkdir()
    ends = Endpoints(temporal_port=17233, ui_port=2, api_port=3, network_port=4)
    state = StackState(pid=1, ready=True, endpoints=ends, api_key="key", webhook_secret="secret")
    write_state(state_dir, state)
    with owned(state_dir):
        result = outdial("nexus")
    assert result.output == "Nexus endpoint outdial is ready: default/outdial\n"
    assert connected == ["127.0.0.1:17233"]


def test_a_configured_cluster_comes_before_a_stack(
    outdial: Outdial, state_dir: Path, connected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.example:7233")
    assert outdial("nexus").exit_code == 0
    assert connected == ["temporal.example:7233"]


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (
            RPCStatusCode.PERMISSION_DENIED,
            "Temporal refused: its own words; so the endpoint was not created",
        ),
        (
            RPCStatusCode.UNAVAILABLE,
            "Temporal does not answer, so the endpoint was not created",
        ),
    ],
)
def test_a_refusal_and_an_outage_are_told_apart(
    outdial: Outdial, monkeypatch: pytest.MonkeyPatch, status: RPCStatusCode, text: str
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.example:7233")
    answering(monkeypatch, status)
    result = outdial("nexus")
    assert (result.exit_code, result.stderr) == (1, text + "\n")


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (RPCStatusCode.NOT_FOUND, "Temporal refused: its own words"),
        (RPCStatusCode.UNAVAILABLE, "Temporal does not answer: its own words"),
    ],
)
def test_setup_says_in_a_line_what_went_wrong(
    outdial: Outdial, monkeypatch: pytest.MonkeyPatch, status: RPCStatusCode, text: str
) -> None:
    answering(monkeypatch, status)
    result = outdial("setup")
    assert (result.exit_code, result.stderr) == (1, text + "\n")


def answering(monkeypatch: pytest.MonkeyPatch, status: RPCStatusCode) -> None:
    """A Temporal that answers every request with this status."""

    async def refuse(*_: Any, **__: Any) -> None:
        raise RPCError("its own words", status, b"")

    service = SimpleNamespace(create_nexus_endpoint=refuse, list_search_attributes=refuse)

    async def connect(*_: Any, **__: Any) -> Any:
        return SimpleNamespace(namespace="default", operator_service=service)

    monkeypatch.setattr(connection, "connect_temporal", connect)
