"""Cancellation of a workflow: where it may cut work short, and where it must not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def run_to_end(coroutine: Coroutine[Any, Any, T], on_cancel: Callable[[], None]) -> T:
    """Run a coroutine that a cancellation must not interrupt.

    A cancelled await of an activity raises ActivityError at once, while the activity goes on, and
    its result is lost to the workflow. So the coroutine runs in a task of its own, which the
    cancellation of the workflow does not reach; `on_cancel` is called for each cancellation.
    """
    task = asyncio.create_task(coroutine)
    while True:
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.done():
                raise
            on_cancel()
