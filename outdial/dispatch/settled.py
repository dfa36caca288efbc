"""What a committed settlement leads to outside the database: who waits for it is told, calls to
numbers that it listed are stopped, and the workflow of what follows the call is started."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from temporalio.client import Client

from outdial.contracts.names import after_call_workflow_id
from outdial.dispatch.executions import ExecutionState, describe_execution
from outdial.dispatch.sweeping import BATCH, Deadline, each, pages
from outdial.dispatch.telling import silence, start_after_call, tell_requester
from outdial.domain.call.chain import Chain
from outdial.domain.record import Settled
from outdial.store.callbacks import chains
from outdial.store.db.database import Database

CHAIN_AGE = timedelta(seconds=2)
"""Younger chains are being started by the process that settled their calls."""
LOST_AGE = timedelta(seconds=60)
"""Chains that take longer are looked for in Temporal."""


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


async def sweep_chains(
    database: Database, temporal: Client, clock: Callable[[], datetime], until: Deadline
) -> int:
    """Start the workflows of chains that nobody is known to have started, and put right those
    that have lost theirs; how many."""
    lost = await _find_lost(database, temporal, clock, until.share(2))
    before, started = clock() - CHAIN_AGE, 0
    failed: list[str] = []

    async def read(_: Chain | None) -> Sequence[Chain]:
        if len(failed) >= BATCH:
            return ()  # Temporal is away, or nearly so
        return await database.read(
            lambda s: chains.unstarted(s, before=before, limit=BATCH, without=failed)
        )

    async def start(chain: Chain) -> bool:
        return await start_after_call(temporal, chain.call_id, chain.run)

    async for page in pages(read, until=until):
        done = await each(
            page, start, what="callbacks of call", key=lambda c: c.call_id, until=until
        )
        ids = [chain.call_id for chain, ok in zip(page, done, strict=True) if ok]
        failed += [chain.call_id for chain, ok in zip(page, done, strict=True) if not ok]
        now = clock()
        await database.write(lambda s, ids=ids, now=now: chains.mark_started(s, ids, now=now))  # type: ignore[misc]
        started += len(ids)
    return lost + started


async def _find_lost(
    database: Database, temporal: Client, clock: Callable[[], datetime], until: Deadline
) -> int:
    """Chains whose workflow is gone. Lost with Temporal's data: to be started once more, since
    what is done stays done. Ended otherwise: failed, so that somebody can retry it."""
    before = clock() - LOST_AGE

    async def read(after: Chain | None) -> Sequence[Chain]:
        return await database.read(
            lambda s: chains.unfinished(s, before=before, limit=BATCH, after=after)
        )

    async def check(chain: Chain) -> bool:
        workflow_id = after_call_workflow_id(chain.call_id, chain.run)
        found = await describe_execution(temporal, workflow_id)
        if found.open:
            return False
        if found.state is ExecutionState.ABSENT:
            await database.write(lambda s: chains.mark_unstarted(s, chain.call_id, chain.run))
            return False  # it counts once it is started
        error = f"its workflow was ended from outside ({found.state})"
        now = clock()
        await database.write(
            lambda s: chains.finish_chain(s, chain.call_id, chain.run, error=error, now=now)
        )
        return True

    put_right = 0
    async for page in pages(read, until=until):
        put_right += sum(
            await each(page, check, what="callbacks of call", key=lambda c: c.call_id, until=until)
        )
    return put_right
