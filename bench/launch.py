"""Rows a second of a launch beside the bare cost of an import, and what it does to other campaigns.

For each database and number of rows, in an embedded stack of its own:

- the bare cost: read the file, parse the numbers with the library, insert in bulk, in one process;
- reading alone: read, check, render and resolve zones, without a database;
- writing alone: the recipients in chunks, in a database of its own, and the flip;
- a launch by the command line: the rows a second from the first row to the flip, and the seconds
  from the command to the first call;
- the same while another campaign of 600 people goes on with 20 calls at once, and the largest gap
  between two of its placements, beside the largest one before the launch began.

    python -m bench.launch [--rows 100000 1000000] [--database sqlite postgresql] [--quick]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlmodel import Session

from bench.contacts import write_campaign, write_contacts
from bench.engine import run_campaign
from bench.memory import PeakMemory, measuring
from bench.people import PEOPLE
from bench.processes import ROOT
from outdial.resources.resources import Resources
from outdial.runtime.clock import system_clock
from outdial.runtime.connection import connect_temporal
from outdial.runtime.lines import build_lines
from outdial.runtime.settings.settings import load_settings
from outdial.runtime.stack.embedded import EmbeddedStack
from outdial.services.campaigns import control
from outdial.services.operations.reading import list_calls, list_campaigns
from outdial.store.db.database import Database
from outdial.store.db.tables import staging
from tests.databases import postgresql_database, postgresql_server, sqlite_database

OTHER = "other"
OTHER_NUMBERS = "+1212555"
OTHERS = 600
OTHERS_AT_ONCE = 20
TALK_SECONDS = [0.5, 1.5]
"""Of the other campaign. Short calls of different lengths, so that many slots become free in each
second: one without a placement is no chance then."""
FIRST_CALLS = 60
"""Of the other campaign. As many as it may have begin at once, so most of them end, and are
followed, at about the same time. Gaps are measured behind these, when calls are spread out."""
QUIET_SECONDS = 60.0
"""For which the other campaign goes on before the launch begins: as long as a launch takes."""
CLAIM_LINGER_MS = 100
"""By default a free slot waits half a second for others. Calls this short would spend a third of
their time so, and a gap would show that wait."""
POLL_SECONDS = 0.05
LAUNCH_WITHIN = 900.0


@dataclass(frozen=True)
class LaunchTimes:
    """Seconds from the command, but for `staging`."""

    staging: float
    """From the beginning of the launch to its flip, as its record has them: without the start of a
    process, which takes as long as many rows."""
    flipped: float
    first_call: float
    processor: float
    """Of the command and its children."""
    memory: str
    began: datetime
    ended: datetime


@dataclass(frozen=True)
class Placement:
    at: datetime
    to: str


@dataclass(frozen=True)
class Stage:
    """A stage in a process of its own."""

    rows: int
    seconds: float
    processor: float
    memory: str
    """Peak, in MB."""
    longest: float = 0.0
    """The longest transaction."""
    flip: float = 0.0


@dataclass(frozen=True)
class Stages:
    """What one number of rows gave on one database."""

    database: str
    rows: int
    bare: Stage
    read: Stage
    write: Stage
    alone: LaunchTimes
    disturbed: LaunchTimes
    gap_before: float
    gap: float
    memory: PeakMemory


async def measure(database: str, url: str, rows: int, folder: Path) -> Stages:
    contacts = folder / "contacts.csv"
    write_contacts(contacts, rows)
    for name in ("alone", "disturbed"):
        write_campaign(folder / f"{name}.yaml", name, contacts)
    read = await _measured("bench.read_contacts", str(folder / "alone.yaml"))
    with _database(database) as other:
        write = await _measured("bench.stage_recipients", other, str(folder / "alone.yaml"))
    async with _stack(url, folder / "state") as (stack, ctx):
        bare = await _measured("bench.bare_import", url, str(contacts))
        network = stack.state.endpoints.network
        async with measuring(stack.pids()) as memory:
            alone = await _launch(stack, ctx, "alone", folder, memory)
            async with _others(ctx):
                await asyncio.sleep(QUIET_SECONDS)
                disturbed = await _launch(stack, ctx, "disturbed", folder, memory)
            placements = await _placements(network)
        quiet = disturbed.began - timedelta(seconds=QUIET_SECONDS), disturbed.began
        return Stages(
            database, rows, bare, read, write, alone, disturbed,
            largest_gap(placements, *quiet),
            largest_gap(placements, disturbed.began, disturbed.ended),
            memory,
        )  # fmt: skip


@asynccontextmanager
async def _stack(url: str, state: Path) -> AsyncIterator[tuple[EmbeddedStack, Resources]]:
    environ = {
        **os.environ,
        "OUTDIAL_STATE_DIR": str(state),
        "OUTDIAL_DATABASE_URL": url,
        "OUTDIAL_SIMULATED__TIME_SCALE": "1",
        "OUTDIAL_LINES__SIMULATED__MAX_CONCURRENT": "1000",
        "OUTDIAL_LINES__SIMULATED__PER_SECOND": "1000",
        "OUTDIAL_CLAIM_LINGER_MS": str(CLAIM_LINGER_MS),
        "OUTDIAL_LOG_LEVEL": "WARNING",
    }
    async with AsyncExitStack() as opened:
        stack = await opened.enter_async_context(EmbeddedStack(load_settings(environ), environ))
        people = {"people": PEOPLE["people"] | {"talk_seconds": TALK_SECONDS}}
        async with httpx.AsyncClient(base_url=stack.state.endpoints.network) as http:
            (await http.put("/sim/config", json=people)).raise_for_status()
        lines = build_lines(stack.settings, environ)
        opened.push_async_callback(lines.aclose)
        database = Database(stack.settings.database)
        opened.callback(database.dispose)
        temporal = await connect_temporal(stack.settings)
        yield stack, Resources(database, temporal, lines, system_clock)


async def _launch(
    stack: EmbeddedStack, ctx: Resources, name: str, folder: Path, memory: PeakMemory
) -> LaunchTimes:
    """Launch by the command line, and wait for the campaign's first call."""
    began, start, used = system_clock(), time.monotonic(), children_seconds()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "outdial.cli", "launch", str(folder / f"{name}.yaml"), "--no-watch",
        cwd=ROOT, env=dict(stack.settings.variables), stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    part = f"launch {name}"
    memory.parts[part] = process.pid
    flipped = first_call = 0.0
    async with asyncio.timeout(LAUNCH_WITHIN):
        while not flipped:
            if process.returncode:
                raise SystemExit(f"the launch of {name} failed, exit code {process.returncode}")
            running = [one for one in await list_campaigns(ctx) if one.name == name]
            flipped = time.monotonic() - start if running else 0.0
            await asyncio.sleep(POLL_SECONDS)
        while not first_call:
            called = await list_calls(ctx, name, limit=1)
            first_call = time.monotonic() - start if called else 0.0
            await asyncio.sleep(POLL_SECONDS)
        await process.wait()
    ended = system_clock()
    processor = children_seconds() - used
    memory.parts.pop(part)
    await control.pause(ctx, name)  # ending a million recipients would take a while
    seconds = await ctx.database.read(lambda s: staging_seconds(s, name))
    return LaunchTimes(seconds, flipped, first_call, processor, memory.of(part), began, ended)


def staging_seconds(s: Session, name: str) -> float:
    query = select(staging.c.started_at, staging.c.ended_at).where(staging.c.campaign == name)
    row = s.connection().execute(query).one()
    return float((row.ended_at - row.started_at).total_seconds())


def children_seconds() -> float:
    """Processor time of the children of this process that have ended, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@asynccontextmanager
async def _others(ctx: Resources) -> AsyncIterator[None]:
    """Campaigns that go on, one after the other, until the block ends."""

    async def go_on() -> None:
        for number in count(1):
            await run_campaign(ctx, f"{OTHER}-{number}", OTHERS, OTHERS_AT_ONCE)

    going_on = asyncio.create_task(go_on())
    try:
        yield
        if going_on.done():
            going_on.result()
    finally:
        going_on.cancel()
        await asyncio.gather(going_on, return_exceptions=True)


async def _placements(network: str) -> list[Placement]:
    """Every call that the network was asked for, oldest first."""
    async with httpx.AsyncClient(base_url=network, timeout=60) as http:
        calls = (await http.get("/sim/calls")).raise_for_status().json()["calls"]
    made = [Placement(datetime.fromisoformat(one["created_at"]), one["to"]) for one in calls]
    return sorted(made, key=lambda one: one.at)


def largest_gap(placements: Sequence[Placement], start: datetime, end: datetime) -> float:
    """Seconds between two placements of the other campaign, of which one is after the start and
    one before the end. Between two of its runs is no gap, nor while it begins."""
    largest = 0.0
    called: set[str] = set()
    before: datetime | None = None
    for one in (each for each in placements if each.to.startswith(OTHER_NUMBERS)):
        if one.to in called:  # the next run calls the same people
            called.clear()
            before = None
        called.add(one.to)
        under_way = len(called) > FIRST_CALLS
        if before is not None and under_way and one.at > start and before < end:
            largest = max(largest, (one.at - before).total_seconds())
        before = one.at
    if before is not None and before < end and len(called) < OTHERS:
        largest = max(largest, (end - before).total_seconds())
    return largest


async def _measured(module: str, *arguments: str) -> Stage:
    """Run a stage in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    async with measuring({module: process.pid}) as memory:
        output, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"{module} failed")
    return Stage(**json.loads(output), memory=memory.of(module))


def show(stages: Stages) -> None:
    table = Table(title=f"{stages.database}, {stages.rows:,} rows")
    for column in ("stage", "rows/s", "of bare", "seconds", "CPU us/row", "peak MB"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    bare = stages.rows / stages.bare.seconds

    def add(name: str, seconds: float, processor: float | None, memory: str) -> None:
        rate = stages.rows / seconds
        cpu = "" if processor is None else f"{1e6 * processor / stages.rows:.1f}"
        table.add_row(name, f"{rate:,.0f}", f"{rate / bare:.2f}", f"{seconds:.1f}", cpu, memory)

    for name, stage in (
        ("bare import", stages.bare),
        ("read, check, render, locate", stages.read),
        ("write in chunks", stages.write),
    ):
        add(name, stage.seconds, stage.processor, stage.memory)
    for name, times in (("launch", stages.alone), ("launch beside others", stages.disturbed)):
        add(name, times.staging, times.processor, times.memory)
        add(f"{name}, command to the flip", times.flipped, None, "")
        add(f"{name}, command to first call", times.first_call, None, "")
    console = Console(width=110, highlight=False)
    console.print(table)
    longest, flip = 1000 * stages.write.longest, 1000 * stages.write.flip
    console.print(f"longest chunk {longest:.0f} ms, flip {flip:.0f} ms")
    console.print(
        f"largest gap between two placements of the other campaign: {stages.gap:.2f} s while the "
        f"launch went on, {stages.gap_before:.2f} s in the {QUIET_SECONDS:g} s before it"
    )
    peaks = (f"{part} {stages.memory.of(part)}" for part in stages.memory.parts)
    console.print(f"peak memory, MB: {', '.join(peaks)}")


@contextmanager
def _database(kind: str) -> Iterator[str]:
    if kind == "sqlite":
        with sqlite_database() as url:
            yield url
    else:
        with postgresql_server() as server, postgresql_database(server) as url:
            yield url


def main(databases: Sequence[str], rows: Sequence[int]) -> None:
    for number in rows:
        for database in databases:
            with (
                _database(database) as url,
                tempfile.TemporaryDirectory(prefix="outdial-bench-") as folder,
            ):
                show(asyncio.run(measure(database, url, number, Path(folder))))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument(
        "--database", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"]
    )
    parser.add_argument("--quick", action="store_true", help="20,000 rows alone")
    options = parser.parse_args()
    main(options.database, [20_000] if options.quick else options.rows)
