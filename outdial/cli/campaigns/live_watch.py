"""Keeps the picture of `outdial watch` up to date in a terminal, and does what keys say."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from rich.console import Console
from rich.live import Live

from outdial.cli.attachment import Attachment
from outdial.cli.campaigns.live_view import LivePicture
from outdial.cli.campaigns.progress import LIVE_SECONDS, StackGone
from outdial.cli.keyboard import pressed_keys
from outdial.domain.call.claim import CampaignState
from outdial.domain.errors import OutdialError
from outdial.domain.record import Progress
from outdial.runtime.settings.settings import Settings
from outdial.services.operations.watching import read_view


class LiveWatch:
    """Shows the picture, and does what keys say, until it is quit or the one campaign is over."""

    def __init__(
        self, settings: Settings, at: Attachment, only: str | None, output: Console
    ) -> None:
        self._settings = settings
        self._at = at
        self._only = only
        self._output = output
        self._picture = LivePicture()
        self._changes: set[asyncio.Task[None]] = set()

    async def run(self) -> Progress | None:
        """The campaign's last figures; None when it was quit. Raises StackGone, NoSuchCampaign."""
        with (
            pressed_keys() as keys,
            Live(console=self._output, auto_refresh=False, transient=True, screen=False) as live,
        ):
            try:
                while True:
                    over = await self._read()
                    if over is not None:
                        return over
                    live.update(self._picture.render(), refresh=True)
                    if not await self._keys(keys, live):
                        return None
            finally:
                await asyncio.gather(*self._changes, return_exceptions=True)

    async def _read(self) -> Progress | None:
        """Take the next view; the campaign's figures once the one that is watched is over."""
        if self._at.lost:
            raise StackGone
        selected = self._picture.selected
        view = await read_view(
            self._at.context,
            only=self._only,
            selected=None if selected is None else selected.campaign,
            before=self._picture.view,
        )
        self._picture.take(view)
        alone = view.selected if self._only is not None else None
        return alone if alone is not None and alone.state.over else None

    async def _keys(self, keys: asyncio.Queue[str], live: Live) -> bool:
        """Act on keys until the next view is due; False: quit."""
        loop = asyncio.get_running_loop()
        due = loop.time() + LIVE_SECONDS
        while (left := due - loop.time()) > 0:
            try:
                key = await asyncio.wait_for(keys.get(), left)
            except TimeoutError:
                return True
            if key == "q":
                return False
            self._press(key)
            live.update(self._picture.render(), refresh=True)
        return True

    def _press(self, key: str) -> None:
        selected = self._picture.selected
        if key in ("up", "down"):
            self._picture.move(-1 if key == "up" else 1)
        elif key == "p" and selected is not None and selected.state is CampaignState.RUNNING:
            self._start(self._change(selected.campaign, CampaignState.PAUSED))
        elif key == "r" and selected is not None and selected.state is CampaignState.PAUSED:
            self._start(self._change(selected.campaign, CampaignState.RUNNING))

    def _start(self, change: Coroutine[Any, Any, None]) -> None:
        """It may take seconds, in which the picture goes on."""
        task = asyncio.create_task(change)
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)

    async def _change(self, name: str, state: CampaignState) -> None:
        # It needs Temporal's client, whose import takes longer than reading records does.
        from outdial.cli.campaigns.control import change_state

        try:
            said = await change_state(self._settings, name, state)
        except OutdialError as error:
            said = str(error)
        self._picture.note(said, self._at.context.clock())
