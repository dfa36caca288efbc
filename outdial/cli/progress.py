"""Watches a campaign until its end: live in a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
from datetime import datetime

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from outdial.cli.attachment import Attachment
from outdial.cli.output import clock_time, counted, plural, until
from outdial.domain.call.claim import CampaignState
from outdial.domain.errors import OutdialError
from outdial.domain.record import Progress, RecipientState
from outdial.services.operations import reading
from outdial.services.operations.lines import simulated_note

LIVE_SECONDS = 0.5
PLAIN_SECONDS = 3.0
"""Between two plain lines, at least; none is written while nothing changes."""
_BAR_WIDTH = 40
_TALKING = {"queued": "dialing", "ringing": "ringing", "in_progress": "talking"}


class StackGone(OutdialError):
    """The stack of another command, which carried the campaign, was stopped."""

    code = "stack_gone"


async def watch(at: Attachment, name: str, console: Console) -> Progress:
    """Show the campaign until it is over; its last figures.

    Raises StackGone, StackFailed, NoSuchCampaign.
    """
    watching = asyncio.create_task(_show(at, name, console))
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


async def _show(at: Attachment, name: str, console: Console) -> Progress:
    if console.is_terminal:
        return await _show_live(at, name, console)
    return await _show_plain(at, name, console)


async def _show_live(at: Attachment, name: str, console: Console) -> Progress:
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            found = await reading.progress(at.context, name)
            if found.state.over:
                return found
            live.update(_picture(found, at.context.clock()), refresh=True)
            await _pause(at, LIVE_SECONDS)


async def _show_plain(at: Attachment, name: str, console: Console) -> Progress:
    last = ""
    while True:
        found = await reading.progress(at.context, name)
        if found.state.over:
            return found
        now = at.context.clock()
        line = _plain(found, now)
        if line != last:
            seconds = (now - found.launched_at).total_seconds()
            console.print(f"{clock_time(seconds):>6}  {line}", markup=False)
            last = line
        await _pause(at, PLAIN_SECONDS)


async def _pause(at: Attachment, seconds: float) -> None:
    if at.lost:
        raise StackGone
    await asyncio.sleep(seconds)


def _picture(found: Progress, now: datetime) -> Group:
    done = found.by_state.get(RecipientState.DONE, 0)
    seconds = (now - found.launched_at).total_seconds()
    head = Table.grid(padding=(0, 2))
    head.add_row(
        Text(found.campaign, style="bold"),
        ProgressBar(total=max(found.recipients, 1), completed=done, width=_BAR_WIDTH),
        Text(f"{done} of {found.recipients} done"),
        Text(clock_time(seconds), style="dim"),
    )
    body = Table.grid(padding=(0, 2))
    for label, text in _rows(found, now):
        body.add_row(Text(label, style="dim"), Text(text))
    return Group(head, body)


def _rows(found: Progress, now: datetime) -> list[tuple[str, str]]:
    if not found.recipients:
        return [("", "enrolling recipients")]
    rows = [("calls", _calls(found))]
    if found.by_outcome:
        rows.append(("done", counted(found.by_outcome)))
    waiting = waiting_for(found, now)
    if waiting:
        rows.append(("next", waiting))
    return rows


def _plain(found: Progress, now: datetime) -> str:
    if not found.recipients:
        return "enrolling recipients"
    done = found.by_state.get(RecipientState.DONE, 0)
    parts = [f"{done} of {found.recipients} done", _calls(found)]
    if found.by_outcome:
        parts.append(counted(found.by_outcome))
    if not found.in_flight or found.state is not CampaignState.RUNNING:
        parts.append(waiting_for(found, now))
    return " | ".join(part for part in parts if part)


def _calls(found: Progress) -> str:
    open_calls = {_TALKING[s]: n for s, n in found.calls.items() if s in _TALKING and n}
    over = sum(n for status, n in found.calls.items() if status not in _TALKING)
    flight = f"{found.in_flight} in flight"
    if open_calls:
        flight += f" ({counted(open_calls)})"
    return f"{flight}, {over} over"


def waiting_for(found: Progress, now: datetime) -> str:
    """What has to happen before anything else does; empty while calls are in flight."""
    if found.state is CampaignState.PAUSED:
        why = f" ({found.reason})" if found.reason else ""
        return f"paused{why}; outdial resume {found.campaign}"
    stopping = "stopping; " if found.state is CampaignState.STOPPING else ""
    settling = found.by_state.get(RecipientState.SETTLING, 0)
    if settling and not found.in_flight:
        return f"{stopping}waiting to hear how {plural(settling, 'call')} went"
    if stopping:
        return f"{stopping}waiting for {plural(found.in_flight, 'call')} to end"
    if found.wake_at is not None and found.wake_at > now and found.reason:
        return f"{found.reason}, {until(found.wake_at, now)}"
    return "" if found.in_flight else found.reason or ""


def summary(found: Progress) -> list[str]:
    """Where a campaign stands, or how it ended."""
    end = found.finished_at
    if end is not None and found.state.over:
        seconds = (end - found.launched_at).total_seconds()
        head = f"{found.campaign} {found.state.value} in {clock_time(seconds)}."
    else:
        head = f"{found.campaign} is {found.state.value}."
    people = plural(found.recipients, "recipient")
    calls = plural(sum(found.calls.values()), "call")
    open_people = {s: n for s, n in found.by_state.items() if s != RecipientState.DONE}
    lines = [head, f"  {people}: {counted({**found.by_outcome, **open_people}) or 'none'}"]
    if found.calls:
        tried = plural(found.attempts, "attempt")
        lines.append(f"  {calls}, {tried}: {counted(found.calls)}")
    lines += [f"  {simulated_note(line)}" for line in found.simulated]
    return lines
