"""`outdial status` and `outdial calls`."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from outdial.cli.attachment import Attachment, NothingYet, reading_records
from outdial.cli.campaign_name import CampaignName, offer_names
from outdial.cli.exit_codes import OK
from outdial.cli.output import (
    flush_json,
    new_table,
    print_table,
    say,
    say_if_more,
    until,
    zoned_time,
)
from outdial.cli.running import run, settings_or_fail
from outdial.domain.call.status import CallStatus
from outdial.domain.codes import words

if TYPE_CHECKING:
    from rich.table import Table

    from outdial.domain.record import CallRecord, Progress
    from outdial.runtime.settings.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]
LISTED = 50
"""Campaigns in a table. A program gets all of them: it would not read that there are more."""


def status(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A campaign; default: all.", show_default=False, autocompletion=offer_names
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            min=1,
            help=f"Show at most so many campaigns; default: {LISTED}, with --json all.",
            show_default=False,
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show all campaigns.")] = False,
    as_json: Json = False,
) -> None:
    """Show the progress of campaigns.

    How many recipients are done and with which outcome, which calls are in flight, and what the
    campaign waits for. Without a name: the campaigns that are open, then those that are over, the
    newest of each first.
    """
    if limit is None and not as_json:
        limit = LISTED
    run(_status(settings_or_fail(), name, None if every else limit, as_json=as_json))


def calls(
    name: CampaignName,
    status: Annotated[
        CallStatus | None,
        typer.Option("--status", help="Only calls of this status.", show_default=False),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="Show at most so many calls.")
    ] = 1000,
    as_json: Json = False,
) -> None:
    """List the calls of a campaign.

    Those of its latest launch. Telephone numbers are masked.
    """
    run(_calls(settings_or_fail(), name, status, limit, as_json=as_json))


async def _status(settings: Settings, name: str | None, limit: int | None, *, as_json: bool) -> int:
    if name is not None:
        return await _status_of_one(settings, name, as_json=as_json)
    try:
        return await _status_of_newest(settings, limit, as_json=as_json)
    except NothingYet as error:
        if as_json:
            flush_json("[]")
        else:
            say(f"{str(error).capitalize()}. `outdial launch FILE` launches a campaign.")
        return OK


async def _status_of_one(settings: Settings, name: str, *, as_json: bool) -> int:
    from outdial.services.operations import reading

    async with reading_records(settings) as at:
        progress = await reading.progress(at.context, name)
        if as_json:
            flush_json(json.dumps(_detail(progress, at), ensure_ascii=False))
        else:
            _print_one(progress, at)
    return OK


async def _status_of_newest(settings: Settings, limit: int | None, *, as_json: bool) -> int:
    from outdial.services.operations import reading

    async with reading_records(settings) as at:
        newest, more = await reading.progress_of_newest(at.context, limit)
        if as_json:
            details = [_detail(progress, at) for progress in newest]
            flush_json(json.dumps(details, ensure_ascii=False))
        elif newest:
            print_table(_table(newest, at))
        else:
            say("No campaign has been launched yet. `outdial launch FILE` launches one.")
        if more:
            say(f"There are more than {limit}; --all shows all of them.", to_stderr=as_json)
    return OK


def _detail(progress: Progress, at: Attachment) -> dict[str, Any]:
    from outdial.cli.campaigns.figures import report

    return {
        **report(progress, at.ui),
        "launch": progress.launch,
        "in_flight": progress.in_flight,
        "wake_at": progress.wake_at.isoformat() if progress.wake_at else None,
        "reason": progress.reason,
        "next_call_at": progress.next_call_at.isoformat() if progress.next_call_at else None,
        "next_call_zone": progress.next_call_zone,
    }


def _print_one(progress: Progress, at: Attachment) -> None:
    from outdial.cli.campaigns.figures import summary, waiting_for

    for line in summary(progress):
        say(line)
    if not progress.state.over:
        waiting = waiting_for(progress, at.context.clock())
        say(f"  {progress.in_flight} in flight" + (f"; {waiting}" if waiting else ""))
        if not at.live:
            say("  No engine is running; `outdial up` resumes it.")


def _table(listed: list[Progress], at: Attachment) -> Table:
    from outdial.domain.record import RecipientState

    table = new_table(
        "campaign", "line", "state", "done", "in flight", "attempts", "next",
        right=frozenset({"done", "in flight", "attempts"}),
    )  # fmt: skip
    now = at.context.clock()
    for progress in listed:
        done = progress.by_state.get(RecipientState.DONE, 0)
        table.add_row(
            progress.campaign,
            ", ".join(
                f"{line} (nobody's phone rings)" if line in progress.simulated else line
                for line in progress.lines
            ),
            progress.state.value,
            f"{done} of {progress.recipients}",
            str(progress.in_flight),
            str(progress.attempts),
            _next(progress, now),
        )
    return table


def _next(progress: Progress, now: datetime) -> str:
    """When something happens next: a call, in the person's zone, or what is waited for instead."""
    if progress.state.over or progress.wake_at is None:
        return ""
    if progress.next_call_at is not None and progress.next_call_zone is not None:
        return zoned_time(progress.next_call_at, progress.next_call_zone, now)
    return until(progress.wake_at, now)


async def _calls(
    settings: Settings, name: str, status: CallStatus | None, limit: int, *, as_json: bool
) -> int:
    from outdial.domain.numbers.phone import mask_phone
    from outdial.services.operations import reading

    async with reading_records(settings) as at:
        matching = await reading.list_calls(at.context, name, status=status, limit=limit + 1)
    records = matching[:limit]
    if as_json:
        flush_json(json.dumps([_call(call) for call in records], ensure_ascii=False))
        say_if_more(matching, limit, to_stderr=True)
        return OK
    if not records:
        say(f"{name} has no calls" + (f" that are {words(status)}." if status else " yet."))
        return OK
    table = new_table(
        "started (UTC)", "number", "attempt", "status", "outcome", "talk", "id",
        right=frozenset({"attempt", "talk"}),
    )  # fmt: skip
    for call in records:
        talk = f"{call.duration_seconds:.0f} s" if call.duration_seconds else ""
        table.add_row(
            f"{call.created_at:%Y-%m-%d %H:%M:%S}",
            mask_phone(call.to),
            str(call.attempt),
            words(call.status.value),
            words(call.outcome or ""),
            talk,
            call.id,
        )
    print_table(table)
    say_if_more(matching, limit)
    return OK


def _call(call: CallRecord) -> dict[str, Any]:
    from outdial.domain.numbers.phone import mask_phone

    shown = call.model_dump(
        mode="json",
        include={
            "id", "campaign", "launch", "recipient_id", "number", "attempt", "line",
            "provider_call_id", "status", "outcome", "disposition", "answered_by", "failure",
            "detail", "created_at", "answered_at", "ended_at", "duration_seconds", "cost",
        },
    )  # fmt: skip
    return {"to": mask_phone(call.to), **shown}
