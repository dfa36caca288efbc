"""What a committed settlement leads to outside the database: who waits for it is told, calls to
numbers that it listed are stopped, and the workflow of its callbacks is started."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from temporalio.client import Client

from outdial.contracts.names import callback_workflow_id
from outdial.dispatch.executions import ExecutionState, describe_execution
from outdial.dispatch.sweeping import BATCH, Deadline, each, pages
from outdial.dispatch.telling import silence, start_callback_run, tell_requester
from outdial.domain.call.callback_run import CallbackRun
from outdial.domain.record import Settled
from outdial.store.callbacks import runs
from outdial.store.db.database import Database

CALLBACK_RUN_AGE = timedelta(seconds=2)
"""Younger runs are being started by the process that settled their calls."""
LOST_AGE = timedelta(seconds=60)
"""Runs that take longer are looked up in Temporal."""


async def tell_settled(
    database: Database, temporal: Client, settled: Settled, now: datetime
) -> bool:
    """Stop calls to the numbers that it listed, start what it left to do, and tell who awaits the
    recipient's end.

    False when somebody could not be told. What could not be started is started by the sweeper.
    """
    _, untold = await silence(database, temporal, settled.tenant, settled.listed)
    await _start_callbacks(database, temporal, settled, now)
    return await tell_requester(temporal, settled) and not untold


async def _start_callbacks(
    database: Database, temporal: Client, settled: Settled, now: datetime
) -> None:
    if not (settled.changed and settled.has_callbacks):
        return
    if await start_callback_run(temporal, settled.call_id):
        await database.write(lambda s: runs.mark_started(s, [settled.call_id], now=now))


async def sweep_callback_runs(
    database: Database, temporal: Client, clock: Callable[[], datetime], until: Deadline
) -> int:
    """Start the workflows of runs that are not recorded as started, and repair runs whose
    workflow is gone; how many."""
    lost = await _find_lost(database, temporal, clock, until.share(2))
    before, started = clock() - CALLBACK_RUN_AGE, 0
    failed: list[str] = []

    async def read(_: CallbackRun | None) -> Sequence[CallbackRun]:
        if len(failed) >= BATCH:
            return ()  # Temporal is away, or nearly so
        return await database.read(
            lambda s: runs.unstarted(s, before=before, limit=BATCH, without=failed)
        )

    async def start(callback_run: CallbackRun) -> bool:
        return await start_callback_run(temporal, callback_run.call_id, callback_run.run)

    async for page in pages(read, until=until):
        done = await each(
            page, start, what="callbacks of call", key=lambda c: c.call_id, until=until
        )
        ids = [callback_run.call_id for callback_run, ok in zip(page, done, strict=True) if ok]
        failed += [
            callback_run.call_id for callback_run, ok in zip(page, done, strict=True) if not ok
        ]
        now = clock()
        await database.write(lambda s, ids=ids, now=now: runs.mark_started(s, ids, now=now))  # type: ignore[misc]
        started += len(ids)
    return lost + started


async def _find_lost(
    database: Database, temporal: Client, clock: Callable[[], datetime], until: Deadline
) -> int:
    """Runs whose workflow is gone. Lost with Temporal's data: to be started once more, since what
    is done stays done. Ended otherwise: failed, so that somebody can retry it."""
    before = clock() - LOST_AGE

    async def read(after: CallbackRun | None) -> Sequence[CallbackRun]:
        return await database.read(
            lambda s: runs.unfinished(s, before=before, limit=BATCH, after=after)
        )

    async def check(callback_run: CallbackRun) -> bool:
        workflow_id = callback_workflow_id(callback_run.call_id, callback_run.run)
        found = await describe_execution(temporal, workflow_id)
        if found.open:
            return False
        if found.state is ExecutionState.ABSENT:
            await database.write(
                lambda s: runs.mark_unstarted(s, callback_run.call_id, callback_run.run)
            )
            return False  # it counts once it is started
        error = f"its workflow was ended from outside ({found.state})"
        now = clock()
        await database.write(
            lambda s: runs.finish_callback_run(
                s, callback_run.call_id, callback_run.run, error=error, now=now
            )
        )
        return True

    put_right = 0
    async for page in pages(read, until=until):
        put_right += sum(
            await each(page, check, what="callbacks of call", key=lambda c: c.call_id, until=until)
        )
    return put_right
