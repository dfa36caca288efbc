"""A whole stack in a temporary folder, each part a process of its own that can be killed."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select

from outdial.contracts.names import campaign_workflow_id
from outdial.domain.record import Progress
from outdial.intake.definition import read_definition_text
from outdial.resources.resources import Resources
from outdial.runtime.clock import system_clock
from outdial.runtime.connection import connect_temporal
from outdial.runtime.lines import build_lines
from outdial.runtime.settings.settings import Settings, load_settings
from outdial.runtime.stack.addresses import settings_of_running
from outdial.runtime.stack.parts import commands
from outdial.runtime.stack.statefile import StackState, write_state
from outdial.services.campaigns.launching import launch_campaign
from outdial.services.operations import reading
from outdial.store.campaign.progress import read_progress
from outdial.store.claims.leases import calls_in_flight
from outdial.store.db.database import Database
from outdial.store.db.tables import budget_hold, call
from outdial.store.roster.roster import list_recipients
from tests.faults.invariants import Aftermath
from tests.faults.parts import Part
from tests.faults.ports import reserve_endpoints
from tests.waiting import until

SECRET = "whsec_" + "ZmF1bHRzIGFyZSBzaWduZWQgdG9vIQ=="
LINE = {
    # Short, so that a test sees in seconds what takes minutes on a real line.
    "REQUEST_TIMEOUT": "2s",
    "PLACEMENT_TIMEOUT": "5s",
    "RING_SILENCE": "2s",
    "TALK_SILENCE": "2s",
    "ANALYSIS_WAIT": "3s",
    "PER_SECOND": "50",
    "MAX_CONCURRENT": "100",
    # Requests fail by design here, and a line that rests would only make it slower.
    "BREAKER__MIN_ATTEMPTS": "10000",
}
TIME_SCALE = 20.0
PEOPLE = {
    # A call takes one to three seconds of the clock on the wall.
    "talk_seconds": [10.0, 50.0],
    "ring_seconds": [3.0, 15.0],
    "redial_seconds": [0.5, 1.5],
}
RETRY = (
    "retry: {max_attempts: 3, busy: {delays: 1s}, no_answer: {delays: 1s}, "
    "voicemail: {delays: 1s, max_attempts: 2}, failed: {delays: 1s}, unknown: {delays: 2s}, "
    "call_me_later: {delays: 1s}}"
)


def numbers(count: int, *, start: int = 0) -> list[str]:
    """Numbers kept for fiction, all different."""
    codes = (202, 303, 212, 312, 415, 617, 713, 206, 305, 404)
    return [f"+1{codes[n // 100]}55501{n % 100:02d}" for n in range(start, start + count)]


def campaign(
    name: str,
    phones: Sequence[str],
    *,
    max_concurrent: int,
    retry: str = RETRY,
    line: str = "simulated",
    agent: str = "reminder",
    budget: str | None = None,
) -> str:
    """A definition that may call at any hour."""
    recipients = "\n".join(f'  - {{phone: "{phone}"}}' for phone in phones)
    return (
        f"name: {name}\npurpose: informational\nline: {line}\nagent: {agent}\n"
        'schedule: {hours: "00:00-24:00", time_zone: UTC}\n'
        f"pacing: {{max_concurrent: {max_concurrent}}}\n"
        + (f"budget: {budget}\n" if budget else "")
        + f"{retry}\nring_timeout: 14s\nmax_duration: 1m\nrecipients:\n{recipients}\n"
    )


@dataclass
class Stack:
    """The processes, and a way to ask all of them."""

    folder: Path
    settings: Settings
    parts: dict[str, Part]
    ctx: Resources
    network: httpx.AsyncClient

    async def launch(self, definition: str) -> str:
        """Launch through the service that the command line uses; the campaign's name."""
        loaded = read_definition_text(definition, base=self.folder)
        launched = await launch_campaign(self.ctx, loaded)
        return launched.campaign.name

    async def progress(self, name: str) -> Progress:
        return await reading.progress(self.ctx, name)

    async def until_over(self, name: str, *, timeout: float = 180.0) -> Progress:
        """Wait until the campaign has ended and every one of its slots is free."""

        async def over() -> bool:
            self.check_parts()
            progress = await self.progress(name)
            return progress.state.over and not progress.in_flight

        try:
            await until(over, timeout=timeout, interval=0.2)
        except TimeoutError:
            last = await self.progress(name)
            raise AssertionError(f"not over after {timeout:g} s: {last!r}") from None
        return await self.progress(name)

    async def creates(self) -> int:
        """How many calls the network has taken."""
        stats = await self.ask_network("stats")
        return int(stats["accepted"])

    async def until_creates(self, count: int, *, timeout: float = 120.0) -> None:
        async def reached() -> bool:
            self.check_parts()
            return await self.creates() >= count

        await until(reached, timeout=timeout, interval=0.05)

    def check_parts(self) -> None:
        """Raises AssertionError when one has ended by itself."""
        for part in self.parts.values():
            part.check()

    async def ask_network(self, what: str) -> dict[str, Any]:
        response = await self.network.get(f"/sim/{what}")
        answer: dict[str, Any] = response.raise_for_status().json()
        return answer

    async def set_network(self, **patch: Any) -> None:
        (await self.network.put("/sim/config", json=patch)).raise_for_status()

    async def aftermath(self, name: str) -> Aftermath:
        """Everything that records and network say about a campaign."""
        record = await reading.require_campaign(self.ctx, name)
        read = self.ctx.database.read
        counted = select(call.c.id).where(call.c.campaign_id == record.id, call.c.is_attempt)
        attempted, everybody, leases = await read(
            lambda s: (
                frozenset(s.connection().execute(counted).scalars()),
                frozenset(s.connection().execute(select(call.c.id)).scalars()),
                len(calls_in_flight(s, record.id)),
            )
        )
        calls = await reading.list_calls(self.ctx, name, limit=100_000)
        holds = select(budget_hold).where(budget_hold.c.campaign_id == record.id)
        own = {made.id for made in calls}
        return Aftermath(
            progress=await read(lambda s: read_progress(s, record.id)),
            recipients=await read(
                lambda s: list_recipients(s, record.id, launch=record.launch, limit=100_000)
            ),
            calls=calls,
            attempted=attempted,
            every_call_id=everybody,
            leases=leases,
            holds=await read(
                lambda s: [dict(row) for row in s.connection().execute(holds).mappings()]
            ),
            stats=await self.ask_network("stats"),
            creates=await self.ask_network("creates"),
            made=[
                made
                for made in (await self.ask_network("calls"))["calls"]
                if made["call_id"] in own
            ],
        )

    async def temporal(self, *arguments: str) -> str:
        """Run Temporal's command line against this stack; what it wrote."""
        binary = Path(sys.executable).with_name("temporal")
        process = await asyncio.create_subprocess_exec(
            str(binary),
            *arguments,
            "--address",
            self.settings.temporal_address or "",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        text = output.decode()
        assert process.returncode == 0, f"temporal {' '.join(arguments)}: {text}"
        return text

    async def campaign_workflow_closed(self, name: str, *, timeout: float = 30.0) -> str:
        """Wait until nothing carries the campaign out any more; how its workflow ended."""
        handle = self.ctx.temporal.get_workflow_handle(campaign_workflow_id("default", name))

        async def closed() -> bool:
            described = await handle.describe()
            return described.close_time is not None

        await until(closed, timeout=timeout, interval=0.1)
        status = (await handle.describe()).status
        assert status is not None
        return status.name


@dataclass(frozen=True)
class Plan:
    """What a stack is made of, before anything runs."""

    folder: Path
    state: StackState
    settings: Settings
    parts: dict[str, Part]


def plan_stack(
    folder: Path,
    *,
    database_url: str | None = None,
    people: Mapping[str, Any] | None = None,
    line: Mapping[str, str] | None = None,
    more: Mapping[str, str] | None = None,
) -> Plan:
    """Settings, ports and commands of a stack in a folder of its own."""
    folder.mkdir(exist_ok=True)
    config = folder / "network.json"
    config.write_text(json.dumps({"people": {**PEOPLE, **(people or {})}}))
    given = dict(os.environ) | {
        "OUTDIAL_STATE_DIR": str(folder),
        "OUTDIAL_SWEEP_EVERY": "1s",
        "OUTDIAL_SIMULATED__CONFIG": str(config),
        "OUTDIAL_SIMULATED__TIME_SCALE": str((people or {}).get("time_scale", TIME_SCALE)),
    }
    for name, value in {**LINE, **(line or {})}.items():
        given[f"OUTDIAL_LINES__SIMULATED__{name}"] = value
    given |= more or {}
    if database_url is not None:
        given["OUTDIAL_DATABASE_URL"] = database_url
    state = StackState(
        pid=os.getpid(),
        ready=True,
        endpoints=reserve_endpoints(),
        api_key="faults",
        webhook_secret=SECRET,
    )
    running = settings_of_running(load_settings(given), state)
    write_state(running.state_dir, state)
    parts = {command.name: Part(command) for command in commands(running, state)}
    return Plan(folder, state, running, parts)


@asynccontextmanager
async def open_stack(plan: Plan, *, start_worker: bool = True) -> AsyncIterator[Stack]:
    """All parts, started in order on free ports; stopped the other way round."""
    async with AsyncExitStack() as opened:
        database = Database(plan.settings.database)
        opened.callback(database.dispose)
        await asyncio.to_thread(database.migrate)
        for name in ("temporal", "network", "api", "worker"):
            opened.push_async_callback(plan.parts[name].stop)
            if name != "worker" or start_worker:
                await plan.parts[name].start()
        lines = build_lines(plan.settings)
        opened.push_async_callback(lines.aclose)
        client = await connect_temporal(plan.settings)
        network = await opened.enter_async_context(
            httpx.AsyncClient(base_url=plan.state.endpoints.network, timeout=30, trust_env=False)
        )
        ctx = Resources(database, client, lines, system_clock, tenant=plan.settings.tenant)
        yield Stack(plan.folder, plan.settings, plan.parts, ctx, network)


def moments(seed: int, count: int, *, until_create: int) -> list[tuple[int, float]]:
    """Random moments to kill at: after so many calls at the network, plus some seconds."""
    draw = random.Random(seed)
    at = sorted(draw.sample(range(5, until_create), count))
    return [(creates, draw.uniform(0, 0.5)) for creates in at]
