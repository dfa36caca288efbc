"""The engine under measurement: its embedded stack, one campaign at a time."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
from sqlalchemy import select
from sqlmodel import Session

from bench.measured import Measured, read_histories
from bench.people import calls_made, configure
from bench.processes import cpu_seconds
from bench.profiled import begin, end, profiled_commands
from outdial.intake.definition import read_definition_text
from outdial.resources.resources import Resources
from outdial.runtime.clock import system_clock
from outdial.runtime.connection import connect_temporal
from outdial.runtime.lines import build_lines
from outdial.runtime.settings.settings import load_settings
from outdial.runtime.stack.embedded import EmbeddedStack
from outdial.services.campaigns.launching import launch_campaign
from outdial.services.operations.reading import progress
from outdial.store.db.database import Database
from outdial.store.db.tables import call

HISTORIES = 20
"""Workflows of calls whose events are counted."""


async def run_engine(
    name: str, calls: int, in_flight: int, folder: Path, *, upserts: bool, profile: bool = False
) -> Measured:
    """One campaign of `calls` people, all of whom answer; measured after a warm-up."""
    environ = {
        **os.environ,
        "OUTDIAL_STATE_DIR": str(folder),
        "OUTDIAL_UPSERT_STATUS": str(upserts).lower(),
        "OUTDIAL_SIMULATED__TIME_SCALE": "1",
        "OUTDIAL_LINES__SIMULATED__MAX_CONCURRENT": str(in_flight),
        "OUTDIAL_LINES__SIMULATED__PER_SECOND": "1000",
        "OUTDIAL_LOG_LEVEL": "WARNING",
    }
    async with AsyncExitStack() as opened:
        if profile:
            opened.enter_context(profiled_commands(folder))
        stack = await opened.enter_async_context(EmbeddedStack(load_settings(environ), environ))
        network = stack.state.endpoints.network
        await configure(network)
        database = Database(stack.settings.database)
        ctx = Resources(
            database,
            await connect_temporal(stack.settings),
            build_lines(stack.settings, environ),
            system_clock,
        )
        await run_campaign(ctx, "warm-up", in_flight, in_flight)
        await _reset(network)
        pids = stack.pids()
        before = {part: cpu_seconds(pid) for part, pid in pids.items()}
        if profile:
            begin(pids)
        await run_campaign(ctx, "measured", calls, in_flight)
        cpu = {_part(part): cpu_seconds(pid) - before[part] for part, pid in pids.items()}
        if profile:
            end(pids, folder)
        result = await calls_made(network)
        histories = await read_histories(ctx.temporal, await database.read(_some_workflow_ids))
        database.dispose()
    return Measured(name, result, cpu, histories)


def _some_workflow_ids(s: Session) -> list[str]:
    newest = select(call.c.workflow_id).order_by(call.c.created_at.desc()).limit(HISTORIES)
    return list(s.connection().execute(newest).scalars())


def _part(name: str) -> str:
    return "server" if name == "temporal" else name


async def run_campaign(ctx: Resources, name: str, calls: int, in_flight: int) -> None:
    """Launch a campaign of `calls` people, and wait for its end."""
    people = "\n".join(f"  - phone: '+1212{5550000 + n:07}'" for n in range(calls))
    text = (
        f"name: {name}\npurpose: informational\nagent: bench\n"
        f"schedule: {{hours: '00:00-24:00'}}\npacing: {{max_concurrent: {in_flight}}}\n"
        f"recipients:\n{people}\n"
    )
    await launch_campaign(ctx, read_definition_text(text, name=f"{name}.yaml"))
    over = False
    async with asyncio.timeout(600):
        while not over:
            over = (await progress(ctx, name)).state.over
            await asyncio.sleep(0.5)


async def _reset(network: str) -> None:
    async with httpx.AsyncClient(base_url=network) as http:
        (await http.post("/sim/reset")).raise_for_status()
    await configure(network)
