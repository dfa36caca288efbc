"""The worker and the API of a stack under the profiler of `bench.profile`, and what it found."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from rich.console import Console
from rich.table import Table

from outdial.runtime.settings.settings import Settings
from outdial.runtime.stack import embedded
from outdial.runtime.stack.parts import commands
from outdial.runtime.stack.processes import Command
from outdial.runtime.stack.statefile import StackState

PROFILED = ("worker", "api")
PATIENCE = 10.0


@contextmanager
def profiled_commands(folder: Path) -> Iterator[None]:
    """Stacks started meanwhile run their worker and API by `bench.profile`."""

    def wrapped(settings: Settings, state: StackState) -> list[Command]:
        return [_profiled(each, folder) for each in commands(settings, state)]

    with patch.object(embedded, "commands", wrapped):
        yield


def begin(pids: Mapping[str, int]) -> None:
    for name in PROFILED:
        os.kill(pids[name], signal.SIGUSR1)


def end(pids: Mapping[str, int], folder: Path) -> None:
    """Have both write what they measured, and wait for it."""
    for name in PROFILED:
        os.kill(pids[name], signal.SIGUSR2)
        give_up = time.monotonic() + PATIENCE
        while not _file(folder, name).exists() and time.monotonic() < give_up:
            time.sleep(0.05)


def show_profile(run: str, folder: Path, calls: int) -> None:
    """Milliseconds of CPU and statements for each call."""
    found = {name: json.loads(_file(folder, name).read_text()) for name in PROFILED}
    stages = Table(title=f"{run}: milliseconds of CPU for each call, by stage")
    stages.add_column("stage")
    for name in PROFILED:
        stages.add_column(name, justify="right")
    cost = {name: {k: 1000 * v / calls for k, v in found[name]["cpu"].items()} for name in found}
    every = {stage for costs in cost.values() for stage in costs}
    for stage in sorted(every, key=lambda each: -sum(cost[n].get(each, 0) for n in PROFILED)):
        stages.add_row(stage, *(f"{cost[name].get(stage, 0):.2f}" for name in PROFILED))
    stages.add_row("together", *(f"{sum(cost[name].values()):.2f}" for name in PROFILED))
    console = Console(width=170)
    console.print(stages)
    for name in PROFILED:
        statements = Table(title=f"{run}: statements of the {name} for each call")
        statements.add_column("each call", justify="right")
        statements.add_column("statement")
        counted = sorted(found[name]["statements"].items(), key=lambda each: -each[1])
        for text, times in counted:
            if times >= calls / 50:
                statements.add_row(f"{times / calls:.2f}", _short(text))
        total = sum(found[name]["statements"].values()) / calls
        statements.add_row(f"{total:.2f}", "together, commits included")
        console.print(statements)
        places = Table(
            title=f"{run}: innermost functions of the {name}, milliseconds for each call"
        )
        places.add_column("ms", justify="right")
        places.add_column("function")
        for place, seconds in sorted(found[name]["places"].items(), key=lambda each: -each[1])[:40]:
            places.add_row(f"{1000 * seconds / calls:.2f}", "/".join(place.split("/")[-3:]))
        console.print(places)


def _profiled(command: Command, folder: Path) -> Command:
    if command.name not in PROFILED:
        return command
    python, safe, module, *arguments = command.arguments
    return replace(
        command,
        arguments=(python, safe, module, "bench.profile", *arguments),
        environment={**command.environment, "BENCH_PROFILE": str(_file(folder, command.name))},
    )


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.profile.json"


def _short(statement: str) -> str:
    """What it does, to what, without the list of columns."""
    words = statement.split(" FROM ", 1)
    if statement.startswith("SELECT") and len(words) == 2:
        first = words[0].removeprefix("SELECT ").split(",")[0][:40]
        return f"SELECT {first}, … FROM {words[1][:90]}"
    return statement[:120]
