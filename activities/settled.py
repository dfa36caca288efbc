"""What a committed settlement leads to outside the database: who waits for it is told, calls to
numbers that it listed are stopped, and the workflow of what follows the call is started."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio.client import Client

from activities.telling import silence, start_after_call, tell_requester
from domain.record import Settled
from store.after_calls import chains
from store.database import Database

BATCH = 200
AT_ONCE = 20
CHAIN_AGE = timedelta(seconds=2)
"""Younger chains are being started by the process that settled their calls."""


async def tell_settled(
    database: Database, temporal: Client, settled: Settled, now: datetime
) -> bool:
    """Stop calls to the numbers that it listed, start what it left to do, and tell who awaits the
    recipient's end.

    False when somebody could not be told. What could not be started is started by the sweeper.
    """
    _, untold = await silence(database, temporal, settled.tenant, settled.listed)
    await _follow(database, temporal, settled, now)
    return await tell_requester(temporal, settled) and not untold


async def _follow(database: Database, temporal: Client, settled: Settled, now: datetime) -> None:
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
