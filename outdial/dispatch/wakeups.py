"""Waking direct campaigns after requests were written: once for many of them.

A signal is a history event, so hundreds of requests must not send one each. Wakeups lost in a
crash are repeated by `services.operations.maintenance`, which looks for requests that
no campaign claims.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from temporalio.client import Client

from outdial.dispatch.errors import TemporalRefused, TemporalUnavailable
from outdial.dispatch.starting import wake_direct_campaign
from outdial.domain.record import CampaignRecord

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.25
"""How long requests are gathered for one signal; a call starts that much later."""
LONGEST_SECONDS = 10.0
"""Between two tries while Temporal is away; the pause doubles up to here."""


class Wakeups:
    """Wakes campaigns for as long as an API process runs. Use as a context manager."""

    def __init__(
        self,
        temporal: Client,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._temporal = temporal
        self._sleep = sleep
        self._waiting: dict[int, CampaignRecord] = {}
        self._any = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Wakeups:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._flush()

    def wake_soon(self, direct: CampaignRecord) -> None:
        """Wake this direct campaign in a moment."""
        self._waiting[direct.id] = direct
        self._any.set()

    async def _run(self) -> None:
        pause = GATHER_SECONDS
        while True:
            await self._any.wait()
            await self._sleep(pause)
            self._any.clear()
            if await self._flush():
                pause = GATHER_SECONDS
            else:
                pause = min(2 * pause, LONGEST_SECONDS)
                self._any.set()

    async def _flush(self) -> bool:
        """Whether all were woken; those that were not are woken with the next ones."""
        waiting, self._waiting = self._waiting, {}
        woken = await asyncio.gather(*map(self._wake, waiting.values()))
        return all(woken)

    async def _wake(self, direct: CampaignRecord) -> bool:
        """Whether it needs no more of it."""
        try:
            await wake_direct_campaign(self._temporal, direct)
        except (TemporalRefused, TemporalUnavailable) as error:
            log.warning("%s", error)
            self._waiting.setdefault(direct.id, direct)
            return False
        except Exception:  # a defect, which must not keep all others asleep
            log.exception("the direct campaign was not woken")
        return True
