"""Waiting for a condition in another process or task, never for a length of time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


async def until(
    check: Callable[[], Awaitable[bool]], *, timeout: float = 30.0, interval: float = 0.02
) -> None:
    """Return as soon as `check` holds; raises TimeoutError when it does not in time (seconds)."""
    async with asyncio.timeout(timeout):
        while not await check():
            await asyncio.sleep(interval)


def until_sync(check: Callable[[], bool], *, timeout: float = 30.0, interval: float = 0.02) -> None:
    """The same for code without an event loop."""
    give_up = time.monotonic() + timeout
    while not check():
        if time.monotonic() > give_up:
            raise TimeoutError(f"not within {timeout:g} s")
        time.sleep(interval)
