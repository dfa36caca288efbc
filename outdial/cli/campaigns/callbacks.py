"""`outdial callbacks` and `outdial retry-callback`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from outdial.cli.attachment import changing_records, reading_records
from outdial.cli.campaign_name import CampaignName
from outdial.cli.exit_codes import OK
from outdial.cli.output import flush_json, say, say_if_more
from outdial.cli.running import run, settings_or_fail
from outdial.domain.call.callback_run import CallbackState

if TYPE_CHECKING:
    from outdial.domain.call.callback_run import CallbackEntry, CallbackRun
    from outdial.runtime.settings.settings import Settings
    from outdial.store.callbacks.runs import CalledPerson

Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]


def callbacks(
    name: CampaignName,
    state: Annotated[
        CallbackState | None,
        typer.Option(
            "--state", help="Only calls with a callback in this state.", show_default=False
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="Show at most so many calls.")
    ] = 1000,
    as_json: Json = False,
) -> None:
    """List the callbacks of a campaign's calls, newest first.

    Each is done, pending, failed, undone, skipped, or follow_up: a person has to deal with it, and
    the alternatives are listed.
    """
    run(_callbacks(settings_or_fail(), name, state, limit, as_json=as_json))


def retry_callback(
    call: Annotated[str, typer.Argument(help="The call's id.", show_default=False)],
) -> None:
    """Run a call's callbacks again, from the one that failed.

    Those that are done stay done; those that were undone run again.
    """
    run(_retry(settings_or_fail(), call))


async def _callbacks(
    settings: Settings, name: str, state: CallbackState | None, limit: int, *, as_json: bool
) -> int:
    from outdial.domain.dated_time import dated_time
    from outdial.domain.numbers.phone import mask_phone
    from outdial.services.calls import callback_runs

    async with reading_records(settings) as at:
        matching = await callback_runs.list_callback_runs(
            at.context, name, state=state, limit=limit + 1
        )
        listed = matching[:limit]
        people = await callback_runs.called_people(at.context, listed)
    if as_json:
        shown = [_shown(callback_run, people[callback_run.call_id]) for callback_run in listed]
        flush_json(json.dumps(shown, ensure_ascii=False))
        say_if_more(matching, limit, to_stderr=True)
        return OK
    if not listed:
        say("None.")
    for callback_run in listed:
        person = people[callback_run.call_id]
        say(
            f"{mask_phone(person.phone)}, called {dated_time(person.called_at, person.zones)}: "
            f"{callback_run.state}" + (f", {callback_run.error}" if callback_run.error else "")
        )
        say(f"  call {callback_run.call_id}")
        for entry in callback_run.entries:
            say(f"  {entry.kind}: {entry.state}" + _note(entry, person.zones))
    say_if_more(matching, limit)
    return OK


async def _retry(settings: Settings, call_id: str) -> int:
    from outdial.services.calls import callback_runs

    async with changing_records(settings, records_first=True) as at:
        callback_run = await callback_runs.retry_callbacks(at.context, call_id)
    left = [entry.kind for entry in callback_run.entries if entry.state is CallbackState.PENDING]
    say(f"Started again, from {left[0] if left else 'the end'}.")
    return OK


def _note(entry: CallbackEntry, zones: Sequence[str]) -> str:
    result = entry.result or {}
    note = f", {entry.note}" if entry.note else ""
    if result.get("starts_at"):
        note += f", {_instant(result['starts_at'], zones)}"
    instead = [_instant(text, zones) for text in result.get("alternatives") or ()]
    return note + (f"; free: {', '.join(instead)}" if instead else "")


def _instant(text: str, zones: Sequence[str]) -> str:
    from outdial.domain.dated_time import dated_time

    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return dated_time(at, zones) if at.tzinfo else text


def _shown(callback_run: CallbackRun, person: CalledPerson) -> dict[str, Any]:
    from outdial.domain.numbers.phone import mask_phone

    return {
        "call": callback_run.call_id,
        "to": mask_phone(person.phone),
        "called_at": person.called_at.isoformat(),
        "state": callback_run.state.value,
        "run": callback_run.run,
        "error": callback_run.error,
        "callbacks": [
            {
                "position": entry.position,
                "kind": entry.kind,
                "state": entry.state.value,
                "note": entry.note,
                "result": entry.result,
            }
            for entry in callback_run.entries
        ],
    }
