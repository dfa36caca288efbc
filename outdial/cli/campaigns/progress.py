"""Shows a campaign until its end: a live picture in a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
from datetime import datetime

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from outdial.cli.attachment import Attachment
from outdial.cli.campaigns.figures import budget_in_words, calls_in_words, waiting_for
from outdial.cli.output import clock_time, counted
from outdial.domain.call.claim import CampaignState
from outdial.domain.errors import OutdialError
from outdial.domain.record import Progress, RecipientState
from outdial.services.operations import reading

LIVE_SECONDS = 0.5
PLAIN_SECONDS = 3.0
"""Between two plain lines, at least; none is written while nothing changes."""
_BAR_WIDTH = 40


class StackGone(OutdialError):
    """The stack of another command, which ran the campaign, was stopped."""

    code = "stack_gone"


async def watch(at: Attachment, name: str, output: Console) -> Progress:
    """Show the campaign until it has ended; its last figures.

    Raises StackGone, StackFailed, NoSuchCampaign.
    """
    watching = asyncio.create_task(_show(at, name, output))
    tasks: set[asyncio.Task[Progress] | asyncio.Task[None]] = {watching}
    if at.own is not None:
        tasks.add(asyncio.create_task(at.own.failure()))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
        return watching.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _show(at: Attachment, name: str, output: Console) -> Progress:
    if output.is_terminal:
        return await _show_live(at, name, output)
    return await _show_plain(at, name, output)


async def _show_live(at: Attachment, name: str, output: Console) -> Progress:
    with Live(console=output, auto_refresh=False, transient=True) as live:
        while True:
            progress = await reading.progress(at.context, name)
            if progress.state.over:
                return progress
            live.update(_picture(progress, at.context.clock()), refresh=True)
            await _pause(at, LIVE_SECONDS)


async def _show_plain(at: Attachment, name: str, output: Console) -> Progress:
    last = ""
    while True:
        progress = await reading.progress(at.context, name)
        if progress.state.over:
            return progress
        now = at.context.clock()
        line = _plain(progress, now)
        if line != last:
            seconds = (now - progress.launched_at).total_seconds()
            output.print(f"{clock_time(seconds):>6}  {line}")
            last = line
        await _pause(at, PLAIN_SECONDS)


async def _pause(at: Attachment, seconds: float) -> None:
    if at.lost:
        raise StackGone
    await asyncio.sleep(seconds)


def _picture(progress: Progress, now: datetime) -> Group:
    done = progress.by_state.get(RecipientState.DONE, 0)
    seconds = (now - progress.launched_at).total_seconds()
    head = Table.grid(padding=(0, 2))
    head.add_row(
        Text(progress.campaign, style="bold"),
        ProgressBar(total=max(progress.recipients, 1), completed=done, width=_BAR_WIDTH),
        Text(f"{done} of {progress.recipients} done"),
        Text(clock_time(seconds), style="dim"),
    )
    body = Table.grid(padding=(0, 2))
    for label, text in _rows(progress, now):
        body.add_row(Text(label, style="dim"), Text(text))
    return Group(head, body)


def _rows(progress: Progress, now: datetime) -> list[tuple[str, str]]:
    if not progress.recipients:
        return [("", "enrolling recipients")]
    rows = [("calls", calls_in_words(progress))]
    if progress.by_outcome:
        rows.append(("done", counted(progress.by_outcome)))
    if progress.budget is not None:
        rows.append(("budget", budget_in_words(progress.budget)))
    waiting = waiting_for(progress, now)
    if waiting:
        rows.append(("next", waiting))
    return rows


def _plain(progress: Progress, now: datetime) -> str:
    if not progress.recipients:
        return "enrolling recipients"
    done = progress.by_state.get(RecipientState.DONE, 0)
    parts = [f"{done} of {progress.recipients} done", calls_in_words(progress)]
    if progress.by_outcome:
        parts.append(counted(progress.by_outcome))
    if not progress.in_flight or progress.state is not CampaignState.RUNNING:
        parts.append(waiting_for(progress, now))
    return " | ".join(part for part in parts if part)
