"""Milliseconds of what a call's life consists of, beside 1,000 and beside 1,000,000 earlier calls.

One tenant's one campaign has all calls: each with its recipient, two events, a receipt and a
delivered webhook. In it, further people are claimed, placed, reported, suppressed while their
telephone rings, and analysed, through the services and store functions that the processes use;
Temporal is replaced by a client that takes every signal. The median of the time on the clock stands
beside the mean of the processor time of this process and the database's; the last columns compare
the largest history with the smallest. No database has statistics: nothing is analysed, and
PostgreSQL does not clean up by itself.

    python -m bench.history [--calls 1000 1000000] [--rounds 150] [--databases sqlite postgresql]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from rich.console import Console
from rich.table import Table
from sqlalchemy import URL, create_engine, event, text
from sqlmodel import Session
from temporalio.client import Client

from bench.earlier_calls import add_earlier_calls
from outdial.domain.record import CampaignRecord
from outdial.providers.adapters.simulated.client import SimulatedProvider
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.providers.port import LineConfig
from outdial.resources.resources import Resources
from outdial.services.agent_tools.tools import answer_tools
from outdial.services.compliance.suppressing import suppress
from outdial.services.operations.reading import progress
from outdial.services.webhooks.webhooks import WebhookReceiver
from outdial.store.call import events, settlement
from outdial.store.claims.fence import raise_fence
from outdial.store.claims.reservation import claim_calls
from outdial.store.db.database import Database
from outdial.store.roster import roster
from tests.builders import LINE, TIMEOUT, House, draft, ended, located, phone
from tests.databases import migrated, postgresql_database, postgresql_server, sqlite_database
from tests.services.world import SECRET, MovableClock, webhook

AT_ONCE = 4
"""Calls of one claim."""
WARM = 10
"""Rounds before those that are measured."""
NEW = 2_000_000
"""Numbers that were not called before begin here."""
_URL = "https://outdial.example"
_DATABASES = ("sqlite", "postgresql")


@dataclass
class Meter:
    """Milliseconds of each kind of work."""

    backends: list[int]
    """Processes of PostgreSQL that serve our connections."""
    clock: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    processor: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    keeps: bool = False

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        used, begun = self._processor(), time.perf_counter()
        yield
        took, processor = (time.perf_counter() - begun) * 1000, self._processor() - used
        if self.keeps:
            self.clock[name].append(took)
            self.processor[name].append(processor)

    def median(self, name: str) -> float:
        return statistics.median(self.clock[name])

    def mean(self, name: str) -> float:
        return statistics.mean(self.processor[name])

    def _processor(self) -> float:
        """Of this process and of those that serve its connections."""
        return time.process_time() * 1000 + sum(map(_nanoseconds, self.backends)) / 1e6


def _nanoseconds(pid: int) -> int:
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0])


class _SignalsTaken:
    """In place of Temporal: every workflow is there, and takes every signal."""

    def get_workflow_handle(self, *_: object, **__: object) -> _SignalsTaken:
        return self

    async def signal(self, *_: object, **__: object) -> None:
        return None


@dataclass
class Caller:
    """One campaign's calls, made one after another."""

    ctx: Resources
    campaign: CampaignRecord
    clock: MovableClock
    receiver: WebhookReceiver
    meter: Meter

    async def round(self, number: int) -> None:
        """Calls from their claim to their settlement; one of them is suppressed as it rings."""
        with self.meter.measure("claim of 4 calls"):
            claimed = await self._write(
                lambda s: (
                    claim_calls(
                        s, self.campaign.id, f"round/{number}", now=self.clock.now, limit=AT_ONCE
                    ).claim
                )
            )
        assert len(claimed.calls) == AT_ONCE, claimed
        ids = [call.call_id for call in claimed.calls]
        for call_id in ids:
            await self._place(call_id)
            await self._report(call_id, "ringing")
        await self._suppress(ids.pop(), phone(NEW + number * AT_ONCE + AT_ONCE - 1))
        for call_id in ids:
            await self._report(call_id, "in_progress")
            await self._use_tool(call_id)
            await self._end(call_id)
            await self._report(call_id, "analyzed", disposition="interested")
        with self.meter.measure("status"):
            await progress(self.ctx, self.campaign.name)
        self.clock.now += timedelta(seconds=20)

    async def _write(self, work: Callable[[Session], Any]) -> Any:
        return await self.ctx.database.write(work)

    async def _place(self, call_id: str) -> None:
        now, known_as = self.clock.now, f"sim_{call_id[:8]}"
        with self.meter.measure("fence"):
            await self._write(lambda s: raise_fence(s, call_id, now=now, placement_timeout=TIMEOUT))
        with self.meter.measure("placed"):
            await self._write(lambda s: events.record_placed(s, call_id, known_as, now=now))

    async def _report(self, call_id: str, kind: str, **facts: Any) -> None:
        now = self.clock.now
        headers, body = webhook(call_id, kind, at=now, event_id=f"{call_id}-{kind}", **facts)
        with self.meter.measure("webhook"):
            received = await self.receiver.receive(LINE, headers, body, _URL)
        assert received.new == 1

    async def _suppress(self, call_id: str, number: str) -> None:
        with self.meter.measure("suppression, hang-up"):
            done = await suppress(self.ctx, [number], "asked", source="bench")
        assert (done.added, done.hung_up) == (1, 1)
        await self._end(call_id)

    async def _use_tool(self, call_id: str) -> None:
        sent = {"tool_call_id": f"tool-{call_id}", "arguments": {"at": "2026-03-06T15:00"}}
        body = json.dumps(sent | {"call_id": call_id}).encode()
        headers = {"x-outdial-secret": "tools"}
        with self.meter.measure("tool call"):
            answer = await answer_tools(self.ctx, LINE, "call_me_later", headers, body, _URL)
        assert answer["ok"], answer

    async def _end(self, call_id: str) -> None:
        end = ended(at=self.clock.now, analysis_wait=timedelta(seconds=10))
        with self.meter.measure("end"):
            await self._write(lambda s: settlement.end_call(s, call_id, end, now=self.clock.now))


def resources(database: Database, clock: MovableClock) -> Resources:
    credentials = {"webhook_secret": SECRET, "tool_secret": "tools"}
    provider = SimulatedProvider(LineConfig(name=LINE, credentials=credentials))
    lines = Lines([Line(LINE, provider, LinePolicy())])
    return Resources(database, cast(Client, _SignalsTaken()), lines, clock, upsert_status=True)


async def prepare(database: Database, calls: int, rounds: int) -> Caller:
    """A campaign that has made `calls` calls, and people for the rounds."""
    house, clock = House(database), MovableClock()
    clock.now = house.now
    house.line(most=1000)
    schedule = {"hours": "00:00-24:00"}
    campaign = house.launch(0, "history", schedule=schedule, pacing={"max_concurrent": 100})
    begun = time.perf_counter()
    await database.write(lambda s: add_earlier_calls(s, campaign, calls, house.now))
    print(f"  {calls:,} earlier calls in {time.perf_counter() - begun:.0f} s", flush=True)
    people = located(
        [
            draft(calls + n).model_copy(update={"phone": phone(NEW + n)})
            for n in range((rounds + WARM) * AT_ONCE)
        ]
    )
    await database.write(lambda s: roster.enroll_chunk(s, campaign.id, campaign.launch, 0, people))
    ctx = resources(database, clock)
    meter = Meter(_watch_backends(database))
    return Caller(ctx, campaign, clock, WebhookReceiver(ctx), meter)


async def measure(databases: dict[int, Database], rounds: int) -> dict[int, Meter]:
    """Rounds beside each history in turn, so that what else the machine does meets all of them."""
    callers = {calls: await prepare(one, calls, rounds) for calls, one in databases.items()}
    async with AsyncExitStack() as receivers:
        for caller in callers.values():
            await receivers.enter_async_context(caller.receiver)
        for number in range(rounds + WARM):
            for caller in callers.values():
                caller.meter.keeps = number >= WARM
                await caller.round(number)
    return {calls: caller.meter for calls, caller in callers.items()}


def _watch_backends(database: Database) -> list[int]:
    """The processes of PostgreSQL that serve this database's connections from here on."""
    engine, backends = database._write_engine, list[int]()
    if engine.dialect.name == "postgresql":
        engine.dispose()
        event.listen(engine, "connect", lambda new, _: backends.append(new.info.backend_pid))
    return backends


# --- what is shown ------------------------------------------------------------------------------


def show(kind: str, meters: dict[int, Meter]) -> None:
    smallest, largest = min(meters), max(meters)
    table = Table(title=f"{kind}: milliseconds by the clock (median), of processors (mean)")
    table.add_column("", no_wrap=True)
    for calls in meters:
        table.add_column(f"{calls:,}", justify="right", no_wrap=True)
        table.add_column("CPU", justify="right", no_wrap=True)
    table.add_column("ratio", justify="right", no_wrap=True)
    table.add_column("CPU", justify="right", no_wrap=True)
    for work in meters[smallest].clock:
        cells = []
        for meter in meters.values():
            cells += [f"{meter.median(work):.2f}", f"{meter.mean(work):.2f}"]
        first, last = meters[smallest], meters[largest]
        cells.append(f"{last.median(work) / first.median(work):.2f}")
        cells.append(f"{last.mean(work) / first.mean(work):.2f}")
        table.add_row(work, *cells)
    Console().print(table)


def measure_on(kind: str, histories: list[int], rounds: int) -> dict[int, Meter]:
    print(kind, flush=True)
    databases: dict[int, Database] = {}
    with ExitStack() as until_the_end:
        if kind == "postgresql":
            server = until_the_end.enter_context(postgresql_server())
            _never_clean_up(server)
        for calls in histories:
            new = sqlite_database() if kind == "sqlite" else postgresql_database(server)
            url = until_the_end.enter_context(new)
            databases[calls] = until_the_end.enter_context(migrated(url))
        return asyncio.run(measure(databases, rounds))


def _never_clean_up(server: URL) -> None:
    """Cleaning up gathers statistics, too."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("ALTER SYSTEM SET autovacuum = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, nargs="+", default=[1000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=150)
    parser.add_argument("--databases", choices=_DATABASES, nargs="+", default=list(_DATABASES))
    options = parser.parse_args()
    logging.disable(logging.INFO)
    for kind in options.databases:
        show(kind, measure_on(kind, sorted(options.calls), options.rounds))


if __name__ == "__main__":
    main()
