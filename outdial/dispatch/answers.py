"""Bounds how long a request to Temporal is waited for.

The SDK's own timeouts begin when its client is connected. One that connects at first use waits for
ever for a server that accepts the connection and says nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio.client import RPCTimeoutOrCancelledError

from outdial.dispatch.errors import TemporalUnavailable, failures_translated

ANSWER_WITHIN = timedelta(seconds=20)
"""A request is one short transaction of the server, an update one of a worker's; a worker that is
just starting needs the rest."""
SIGNAL_WITHIN = timedelta(seconds=3)
"""A provider that waits for our answer gives up after five or ten; the sweeper signals again."""


@asynccontextmanager
async def answered_within(limit: timedelta, doing: str) -> AsyncIterator[None]:
    """Make requests to Temporal that have to be answered within a time, all together.

    Raises TemporalRefused and TemporalUnavailable, which say `doing`: what was left undone.
    """
    with failures_translated(doing):
        try:
            async with within(limit):
                yield
        except TimeoutError as error:
            raise TemporalUnavailable(doing) from error


@asynccontextmanager
async def within(limit: timedelta) -> AsyncIterator[None]:
    """Raise TimeoutError when the time is over, and CancelledError when the caller is canceled: the
    SDK turns both into an error of its own where it waits for an update."""
    try:
        async with asyncio.timeout(limit.total_seconds()) as clock:
            yield
    except RPCTimeoutOrCancelledError as error:
        task = asyncio.current_task()
        if not clock.expired() and task is not None and task.cancelling():
            raise asyncio.CancelledError from error
        raise TimeoutError from error
