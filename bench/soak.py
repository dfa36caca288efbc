"""A stack under a steady load for half an hour: does anything grow with what was done already?

Temporal's development server, the simulated network, API and worker as `outdial up` runs them; one
campaign with a fixed number of calls at once, whose events are delivered to an endpoint of this
process. A row a minute: calls and delivered webhooks a second, milliseconds of CPU for each call by
process, memory, and the sizes of both databases. At the end the last minutes are compared with
the first ones after a warm-up of one minute; the exit status is 1 if they differ by more than 10 %.

    python -m bench.soak [--database sqlite|postgresql] [--minutes 30] [--in-flight 20]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from fastapi import FastAPI
from rich.console import Console
from rich.table import Table

from bench.footprint import Footprint, Stack
from bench.people import PEOPLE
from outdial.intake.definition import read_definition
from outdial.resources.resources import Resources
from outdial.runtime.clock import system_clock
from outdial.runtime.connection import connect_temporal
from outdial.runtime.lines import build_lines
from outdial.runtime.settings.settings import load_settings
from outdial.runtime.stack.embedded import EmbeddedStack
from outdial.runtime.temporal_config import release_clients
from outdial.services.campaigns import control
from outdial.services.campaigns.launching import launch_campaign
from outdial.services.operations.reading import progress
from outdial.store.db.database import Database
from tests.databases import postgresql_database, postgresql_server
from tests.serving import listening

NAME = "soak"
TALK_SECONDS = [1.0, 2.0]
SHORTEST_SECONDS = 1.2
"""No call ends earlier, so a campaign of so many people lasts for the whole run."""
COMPARED = 5
"""Minutes at each end of the run."""
MOST_CHANGE = 0.10
OVER = ("done",)


class Endpoint:
    """A customer's server that takes every webhook."""

    def __init__(self) -> None:
        self.taken = 0
        self.app = FastAPI()
        self.app.post("/hooks")(self.take)

    async def take(self) -> None:
        self.taken += 1


@dataclass(frozen=True)
class Sample:
    """At the end of a minute; counts since the start."""

    at: float
    """Seconds."""
    calls: int
    webhooks: int
    used: Footprint


@dataclass(frozen=True)
class Interval:
    """What happened between two samples."""

    before: Sample
    after: Sample

    @property
    def seconds(self) -> float:
        return self.after.at - self.before.at

    @property
    def calls(self) -> int:
        return self.after.calls - self.before.calls

    @property
    def calls_per_second(self) -> float:
        return self.calls / self.seconds

    @property
    def webhooks_per_second(self) -> float:
        return (self.after.webhooks - self.before.webhooks) / self.seconds

    def cpu_per_call(self, part: str) -> float:
        """Milliseconds."""
        spent = self.after.used.cpu[part] - self.before.used.cpu[part]
        return 1000 * spent / max(1, self.calls)

    @property
    def total_cpu_per_call(self) -> float:
        return sum(self.cpu_per_call(part) for part in self.after.used.cpu)


async def soak(
    url: str | None, minutes: int, in_flight: int, folder: Path, show: Callable[[Interval], None]
) -> list[Interval]:
    """One interval a minute, the warm-up first."""
    async with _running(url, in_flight, folder) as (stack, ctx, endpoint):
        await _launch(ctx, endpoint, minutes, in_flight, folder)
        database = stack.settings.database
        installation = Stack(stack.pids(), database, stack.settings.state_dir / "temporal.db")
        samples = [await _sample(ctx, endpoint, installation)]
        intervals: list[Interval] = []
        for _ in range(minutes + 1):
            await asyncio.sleep(60 - (time.monotonic() - samples[0].at) % 60)
            samples.append(await _sample(ctx, endpoint, installation))
            intervals.append(Interval(*samples[-2:]))
            show(intervals[-1])
        await control.stop(ctx, NAME, hang_up=True)
    return intervals


@asynccontextmanager
async def _running(
    url: str | None, in_flight: int, folder: Path
) -> AsyncIterator[tuple[EmbeddedStack, Resources, _At]]:
    environ = {
        **os.environ,
        "OUTDIAL_STATE_DIR": str(folder / "state"),
        "OUTDIAL_SIMULATED__TIME_SCALE": "1",
        "OUTDIAL_LINES__SIMULATED__MAX_CONCURRENT": str(in_flight),
        "OUTDIAL_LINES__SIMULATED__PER_SECOND": "1000",
        "OUTDIAL_ALLOW_PRIVATE_WEBHOOKS": "true",
        "OUTDIAL_LOG_LEVEL": "WARNING",
    }
    if url is not None:
        environ["OUTDIAL_DATABASE_URL"] = url
    endpoint = Endpoint()
    async with AsyncExitStack() as opened:
        base = await opened.enter_async_context(listening(endpoint.app))
        stack = await opened.enter_async_context(EmbeddedStack(load_settings(environ), environ))
        people = {"people": PEOPLE["people"] | {"talk_seconds": TALK_SECONDS}}
        async with httpx.AsyncClient(base_url=stack.state.endpoints.network) as http:
            (await http.put("/sim/config", json=people)).raise_for_status()
        lines = build_lines(stack.settings, stack.settings.variables)
        opened.push_async_callback(lines.aclose)
        database = Database(stack.settings.database)
        opened.callback(database.dispose)
        temporal = await connect_temporal(stack.settings)
        ctx = Resources(database, temporal, lines, system_clock, allow_private_webhooks=True)
        yield stack, ctx, _At(endpoint, f"{base}/hooks")


@dataclass(frozen=True)
class _At:
    endpoint: Endpoint
    url: str


async def _launch(ctx: Resources, at: _At, minutes: int, in_flight: int, folder: Path) -> None:
    rows = int((minutes + 2) * 60 * in_flight / SHORTEST_SECONDS)
    numbers = "\n".join(f"+1212{5550000 + row:07}" for row in range(rows))
    (folder / "contacts.csv").write_text(f"phone\n{numbers}\n", encoding="ascii")
    definition = folder / f"{NAME}.yaml"
    definition.write_text(
        f"name: {NAME}\npurpose: informational\nagent: bench\n"
        f"schedule: {{hours: '00:00-24:00'}}\npacing: {{max_concurrent: {in_flight}}}\n"
        f"webhooks: [{{url: '{at.url}'}}]\nrecipients: {{csv: contacts.csv}}\n",
        encoding="utf-8",
    )
    await launch_campaign(ctx, read_definition(definition))


async def _sample(ctx: Resources, at: _At, stack: Stack) -> Sample:
    counts = (await progress(ctx, NAME)).by_state
    used = await asyncio.to_thread(stack.measure)
    done = sum(counts.get(state, 0) for state in OVER)
    return Sample(time.monotonic(), done, at.endpoint.taken, used)


def _row(minute: int, one: Interval) -> str:
    used = one.after.used
    cpu = "".join(f"{one.cpu_per_call(part):11.1f}" for part in used.cpu)
    memory = "".join(f"{used.memory[part]:11.0f}" for part in used.cpu)
    sizes = "".join(f"{size / 1e6:10.1f}" for size in used.sizes.values())
    rates = f"{one.calls_per_second:8.2f}{one.webhooks_per_second:9.2f}"
    return f"{minute:6}{rates} |{cpu}{one.total_cpu_per_call:8.1f} |{memory} |{sizes}"


def _heading(one: Interval) -> str:
    parts = "".join(f"{part:>11}" for part in one.after.used.cpu)
    sizes = "".join(f"{name:>10}" for name in one.after.used.sizes)
    groups = f"{'':6}{'a second':>17} | CPU, ms a call; memory, MB; databases, MB"
    return f"{groups}\nminute   calls webhooks |{parts}   total |{parts} |{sizes}"


def compare(intervals: Sequence[Interval]) -> tuple[Table, bool]:
    """The first and the last minutes after the warm-up, and whether they are alike."""
    measured = intervals[1:]
    size = max(1, min(COMPARED, len(measured) // 2))
    first, last = measured[:size], measured[-size:]
    table = Table(title=f"The last {size} minutes against the first {size}")
    for column in ("", "first", "last", "change"):
        table.add_column(column, justify="right" if column else "left")
    alike = True

    def add(name: str, value: Callable[[Interval], float], *, judged: bool = False) -> None:
        nonlocal alike
        before = statistics.fmean(value(one) for one in first)
        after = statistics.fmean(value(one) for one in last)
        change = (after - before) / before if before else 0.0
        table.add_row(name, f"{before:.2f}", f"{after:.2f}", f"{change:+.1%}")
        if judged and abs(change) > MOST_CHANGE:
            alike = False

    add("calls/s", lambda one: one.calls_per_second, judged=True)
    add("webhooks/s", lambda one: one.webhooks_per_second)
    add("CPU, ms a call", lambda one: one.total_cpu_per_call, judged=True)
    for part in measured[0].after.used.cpu:
        add(f"  {part}", lambda one, part=part: one.cpu_per_call(part))  # type: ignore[misc]
    for part in measured[0].after.used.cpu:
        add(f"memory of {part}, MB", lambda one, part=part: one.after.used.memory[part])  # type: ignore[misc]
    whole = Interval(measured[0].before, measured[-1].after)
    for name in whole.after.used.sizes:
        grown = whole.after.used.sizes[name] - whole.before.used.sizes[name]
        table.add_row(f"{name}, kB a call", "", f"{grown / 1000 / max(1, whole.calls):.1f}", "")
    return table, alike


@contextmanager
def _database(kind: str) -> Iterator[str | None]:
    if kind == "sqlite":
        yield None  # the stack's own file
    else:
        with postgresql_server() as server, postgresql_database(server) as url:
            yield url


def main(kind: str, minutes: int, in_flight: int) -> int:
    printed = 0

    def show(one: Interval) -> None:
        nonlocal printed
        if not printed:
            print(_heading(one))
        print(_row(printed, one) + ("  (warm-up)" if not printed else ""), flush=True)
        printed += 1

    with _database(kind) as url, tempfile.TemporaryDirectory(prefix="outdial-soak-") as folder:
        print(f"{kind}, {in_flight} calls at once, {minutes} minutes after one of warm-up")
        intervals = asyncio.run(soak(url, minutes, in_flight, Path(folder), show))
    table, alike = compare(intervals)
    console = Console(width=100, highlight=False)
    console.print(table)
    console.print(f"calls/s and CPU a call within {MOST_CHANGE:.0%}: {'yes' if alike else 'NO'}")
    return 0 if alike else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--in-flight", type=int, default=20)
    options = parser.parse_args()
    try:
        status = main(options.database, options.minutes, options.in_flight)
    finally:
        release_clients()
    sys.exit(status)
