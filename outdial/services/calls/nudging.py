"""Waking standing campaigns after requests were written: once for many of them.

A signal is a history event, so requests by the hundred must not send one each. What a crash
swallows here is made good by `services.operations.keeping`, which looks for requests that
nobody claims.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from outdial.dispatch.errors import TemporalUnavailable
from outdial.dispatch.standing import nudge_standing
from outdial.domain.record import CampaignRecord
from outdial.resources.resources import Resources

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.25
"""How long requests are gathered for one nudge; a call starts that much later."""


class Nudges:
    """Nudges for as long as a door is open. Use as a context manager."""

    def __init__(self, ctx: Resources) -> None:
        self._ctx = ctx
        self._waiting: dict[int, CampaignRecord] = {}
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Nudges:
        self._task = asyncio.create_task(self._keep_nudging())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._flush()

    def soon(self, direct: CampaignRecord) -> None:
        """Wake this standing campaign in a moment."""
        self._waiting[direct.id] = direct
        self._wanted.set()

    async def _keep_nudging(self) -> None:
        while True:
            await self._wanted.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._wanted.clear()
            if not await self._flush():
                self._wanted.set()

    async def _flush(self) -> bool:
        """Whether all were told; those that were not are told with the next ones."""
        waiting, self._waiting = self._waiting, {}
        told = True
        for direct in waiting.values():
            try:
                await nudge_standing(self._ctx.temporal, direct)
            except TemporalUnavailable as error:
                log.warning("the standing campaign was not woken: %s", type(error).__name__)
                self._waiting.setdefault(direct.id, direct)
                told = False
            except Exception:  # a defect, which must not end the nudges of all others
                log.exception("the standing campaign was not woken")
        return told
