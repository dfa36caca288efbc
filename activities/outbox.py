"""Starts the workflows of what follows calls, as their settlements wrote it down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio.client import Client

from activities.telling import start_after_call
from domain.record import Settled
from store.after_calls import chains
from store.database import Database

BATCH = 200
AT_ONCE = 20
CHAIN_AGE = timedelta(seconds=2)
"""Younger chains are being started by the process that settled their calls."""


async def follow_settled(
    database: Database, temporal: Client, settled: Settled, now: datetime
) -> None:
    """Start what a settlement left to do; what fails here is started by the sweeper."""
    if not (settled.changed and settled.has_steps):
        return
    if await start_after_call(temporal, settled.call_id):
        await database.write(lambda s: chains.mark_started(s, [settled.call_id], now=now))


async def sweep_chains(database: Database, temporal: Client, clock: Callable[[], datetime]) -> int:
    """Start the workflows of chains that nobody is known to have started; how many."""
    now = clock()
    waiting = await database.read(
        lambda s: chains.unstarted(s, before=now - CHAIN_AGE, limit=BATCH)
    )
    started: list[str] = []
    for at in range(0, len(waiting), AT_ONCE):
        some = waiting[at : at + AT_ONCE]
        told = await asyncio.gather(
            *(start_after_call(temporal, chain.call_id, chain.run) for chain in some)
        )
        started += [chain.call_id for chain, ok in zip(some, told, strict=True) if ok]
        if not all(told):
            break
    if started:
        await database.write(lambda s: chains.mark_started(s, started, now=now))
    return len(started)
