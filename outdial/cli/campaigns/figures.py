"""A campaign's figures in words and as JSON."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from outdial.cli.exit_codes import OK, STOPPED
from outdial.cli.output import SOON, clock_time, counted, flush_json, plural, until
from outdial.domain.call.claim import CampaignState
from outdial.domain.record import BudgetProgress, Progress, RecipientState
from outdial.providers.lines import simulated_note

if TYPE_CHECKING:
    from rich.console import Console

_TALKING = {"queued": "dialing", "ringing": "ringing", "in_progress": "talking"}


def calls_in_words(progress: Progress) -> str:
    """`3 in flight (1 dialing, 2 talking), 12 over`."""
    open_calls = {_TALKING[s]: n for s, n in progress.calls.items() if s in _TALKING and n}
    over = sum(n for status, n in progress.calls.items() if status not in _TALKING)
    flight = f"{progress.in_flight} in flight"
    if open_calls:
        flight += f" ({counted(open_calls)})"
    return f"{flight}, {over} over"


def waiting_for(progress: Progress, now: datetime) -> str:
    """What has to happen before anything else does; empty while calls are in flight."""
    if progress.state is CampaignState.PAUSED:
        why = f" ({progress.reason})" if progress.reason else ""
        return f"paused{why}; outdial resume {progress.campaign}"
    stopping = "stopping; " if progress.state is CampaignState.STOPPING else ""
    settling = progress.by_state.get(RecipientState.SETTLING, 0)
    if settling and not progress.in_flight:
        return f"{stopping}waiting for the outcome of {plural(settling, 'call')}"
    if stopping:
        return f"{stopping}waiting for {plural(progress.in_flight, 'call')} to end"
    if progress.wake_at is not None and progress.wake_at > now and progress.reason:
        return _waits_until(progress.reason, progress.next_call_at, progress.wake_at, now)
    return "" if progress.in_flight else progress.reason or ""


def _waits_until(
    reason: str, next_call_at: datetime | None, wake_at: datetime, now: datetime
) -> str:
    """A reason that names the next call has its time already; what is soon is said as such, too."""
    if next_call_at is None:
        return f"{reason}, {until(wake_at, now)}"
    return f"{reason}, {until(next_call_at, now)}" if next_call_at - now < SOON else reason


def summary(progress: Progress) -> list[str]:
    """Where a campaign stands, or how it ended."""
    end = progress.finished_at
    if end is not None and progress.state.over:
        seconds = (end - progress.launched_at).total_seconds()
        head = f"{progress.campaign} {progress.state.value} in {clock_time(seconds)}."
    else:
        head = f"{progress.campaign} is {progress.state.value}."
    people = plural(progress.recipients, "recipient")
    calls = plural(sum(progress.calls.values()), "call")
    open_people = {s: n for s, n in progress.by_state.items() if s != RecipientState.DONE}
    lines = [head, f"  {people}: {counted({**progress.by_outcome, **open_people}) or 'none'}"]
    if progress.calls:
        tried = plural(progress.attempts, "attempt")
        lines.append(f"  {calls}, {tried}: {counted(progress.calls)}")
    if progress.budget is not None:
        lines.append(f"  {budget_in_words(progress.budget)}")
    lines += [f"  {simulated_note(line)}" for line in progress.simulated]
    return lines


def budget_in_words(budget: BudgetProgress) -> str:
    """`12.30 USD of 500 USD spent, 1.20 USD reserved; 3 USD of 100 USD on 2030-01-31`."""
    of_all = "" if budget.most is None else f" of {budget.most}"
    text = f"{budget.spent}{of_all} spent, {budget.reserved} reserved"
    if budget.per_day is not None and budget.day is not None:
        text += f"; {budget.spent_of_day} of {budget.per_day} on {budget.day}"
    if budget.excess.amount:
        text += f"; {budget.excess} reported beyond what the calls could cost, and not counted"
    return text


def print_end(progress: Progress, ui: str | None, output: Console, *, as_json: bool) -> int:
    """Print how a campaign ended; the exit code."""
    for line in summary(progress):
        output.print(line)
    if as_json:
        flush_json(json.dumps(report(progress, ui), ensure_ascii=False))
    return STOPPED if progress.state is CampaignState.STOPPED else OK


def report(progress: Progress, ui: str | None) -> dict[str, object]:
    """A campaign's figures for programs. `seconds` is from launch to end, null before."""
    states = {s: n for s, n in progress.by_state.items() if s != RecipientState.DONE and n}
    end = progress.finished_at
    return {
        "campaign": progress.campaign,
        "state": progress.state.value,
        "recipients": {**progress.by_outcome, **states},
        "calls": progress.calls,
        "attempts": progress.attempts,
        "lines": list(progress.lines),
        "simulated": list(progress.simulated),
        "budget": progress.budget and progress.budget.model_dump(mode="json"),
        "seconds": round((end - progress.launched_at).total_seconds(), 1) if end else None,
        "ui": ui,
    }
