"""`outdial status` and `outdial calls`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.table import Table

from outdial.cli.attachment import Attachment, NothingYet, looked_at
from outdial.cli.exit_codes import OK
from outdial.cli.launch import report
from outdial.cli.output import fail, flush_json, out, say, until, words
from outdial.cli.progress import summary, waiting_for
from outdial.cli.running import run, settings_or_fail
from outdial.domain.call.status import CallStatus
from outdial.domain.numbers.phone import mask_phone
from outdial.domain.record import CallRecord, Progress, RecipientState
from outdial.runtime.settings.settings import Settings
from outdial.services.operations import reading

Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]


def status(
    name: Annotated[
        str | None, typer.Argument(help="A campaign; all of them without.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Show where campaigns stand.

    How many people are done and how, what is under way, and what is waited for.
    """
    try:
        run(_status(settings_or_fail(), name, as_json=as_json))
    except NothingYet as error:
        if name is not None:
            fail(str(error))
        if as_json:
            flush_json("[]")
        else:
            say(f"{str(error).capitalize()}. `outdial launch FILE` does.")


def calls(
    name: Annotated[str, typer.Argument(help="The campaign's name.", show_default=False)],
    wanted: Annotated[
        CallStatus | None,
        typer.Option("--status", help="Only calls of this status.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 1000,
    as_json: Json = False,
) -> None:
    """List the calls of a campaign.

    Those of its latest launch. Telephone numbers are masked.
    """
    try:
        run(_calls(settings_or_fail(), name, wanted, limit, as_json=as_json))
    except NothingYet as error:
        fail(str(error))


async def _status(settings: Settings, name: str | None, *, as_json: bool) -> int:
    async with looked_at(settings) as at:
        if name is not None:
            found = await reading.progress(at.context, name)
            if as_json:
                flush_json(json.dumps(_detail(found, at), ensure_ascii=False))
            else:
                _print_one(found, at)
            return OK
        records = await reading.list_campaigns(at.context)
        every = [await reading.progress(at.context, record.name) for record in records]
        if as_json:
            flush_json(json.dumps([_detail(one, at) for one in every], ensure_ascii=False))
        elif every:
            out.print(_table(every, at))
        else:
            say("No campaign has been launched yet. `outdial launch FILE` does.")
    return OK


def _detail(found: Progress, at: Attachment) -> dict[str, Any]:
    return {
        **report(found, at.ui),
        "launch": found.launch,
        "in_flight": found.in_flight,
        "wake_at": found.wake_at.isoformat() if found.wake_at else None,
        "reason": found.reason,
    }


def _print_one(found: Progress, at: Attachment) -> None:
    for line in summary(found):
        say(line)
    if not found.state.over:
        waiting = waiting_for(found, at.context.clock())
        say(f"  {found.in_flight} in flight" + (f"; {waiting}" if waiting else ""))
        if not at.live:
            say("  Nothing carries it out now; `outdial up` goes on with it.")


def _table(every: list[Progress], at: Attachment) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("campaign", "line", "state", "done", "in flight", "attempts", "next"):
        table.add_column(heading, justify="right" if heading in _NUMBERS else "left")
    now = at.context.clock()
    for found in every:
        done = found.by_state.get(RecipientState.DONE, 0)
        next_up = until(found.wake_at, now) if found.wake_at and not found.state.over else ""
        table.add_row(
            found.campaign,
            ", ".join(
                f"{line} (nobody's phone rings)" if line in found.simulated else line
                for line in found.lines
            ),
            found.state.value,
            f"{done} of {found.recipients}",
            str(found.in_flight),
            str(found.attempts),
            next_up,
        )
    return table


_NUMBERS = frozenset({"done", "in flight", "attempts", "attempt", "talk"})


async def _calls(
    settings: Settings, name: str, wanted: CallStatus | None, limit: int, *, as_json: bool
) -> int:
    async with looked_at(settings) as at:
        found = await reading.list_calls(at.context, name, status=wanted, limit=limit)
    if as_json:
        flush_json(json.dumps([_call(call) for call in found], ensure_ascii=False))
        return OK
    if not found:
        say(f"{name} has no calls" + (f" that are {words(wanted)}." if wanted else " yet."))
        return OK
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("started (UTC)", "number", "attempt", "status", "outcome", "talk", "id"):
        table.add_column(heading, justify="right" if heading in _NUMBERS else "left")
    for call in found:
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
    out.print(table)
    return OK


def _call(call: CallRecord) -> dict[str, Any]:
    shown = call.model_dump(
        mode="json",
        include={
            "id", "campaign", "launch", "recipient_id", "number", "attempt", "line",
            "provider_call_id", "status", "outcome", "disposition", "answered_by", "failure",
            "detail", "created_at", "answered_at", "ended_at", "duration_seconds", "cost",
        },
    )  # fmt: skip
    return {"to": mask_phone(call.to), **shown}
