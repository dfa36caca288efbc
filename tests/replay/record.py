"""Record the histories that tests/replay replays: `python -m tests.replay.record`.

Adds the shapes that are missing; never touches one that is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from temporalio.testing import WorkflowEnvironment

from tests.replay import callbacks, calls, campaigns, deliveries, requests, run_campaigns
from tests.replay.recording import FOLDER, Handle, save
from tests.temporal import start_server, start_skipping

Shape = Callable[[WorkflowEnvironment], Awaitable[dict[str, Handle]]]


async def _record(environment: WorkflowEnvironment, *shapes: Shape) -> None:
    for shape in shapes:
        for name, handle in (await shape(environment)).items():
            save(name, await handle.fetch_history())


async def main() -> None:
    """Record what is missing."""
    FOLDER.mkdir(exist_ok=True)
    async with await start_server() as server:
        await _record(
            server,
            calls.answered,
            calls.early,
            calls.not_placed,
            calls.ended_from_outside,
            campaigns.finished,
            campaigns.steered,
            campaigns.changed,
            campaigns.waiting,
            requests.settled_and_swept,
            callbacks.carried_out,
            deliveries.drained,
            run_campaigns.awaited,
            run_campaigns.not_carried_out,
        )
    async with await start_server(deliveries.CONTINUE_EARLY) as hurrying:
        await _record(hurrying, deliveries.continued)
    for shape in (calls.silent, calls.lost, calls.unknown):
        async with await start_skipping() as skipping:
            await _record(skipping, shape)


if __name__ == "__main__":
    asyncio.run(main())
