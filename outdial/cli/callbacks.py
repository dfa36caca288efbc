"""`outdial callbacks` and `outdial retry-callback`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from outdial.cli.attachment import NothingYet, looked_at
from outdial.cli.exit_codes import OK
from outdial.cli.output import fail, flush_json, say
from outdial.cli.running import run, settings_or_fail
from outdial.domain.call.chain import Chain, Step, StepState
from outdial.runtime.settings.settings import Settings
from outdial.services.appointments import following_up

Name = Annotated[str, typer.Argument(help="The campaign's name.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]


def callbacks(
    name: Name,
    state: Annotated[
        StepState | None,
        typer.Option("--state", help="Only calls with a step in this state.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 1000,
    as_json: Json = False,
) -> None:
    """List what followed the calls of a campaign, newest first.

    A step is done, pending, failed, undone, skipped, or follow_up: a matter for people, with what
    could be had instead.
    """
    try:
        run(_callbacks(settings_or_fail(), name, state, limit, as_json=as_json))
    except NothingYet as error:
        fail(str(error))


def retry_callback(
    call: Annotated[str, typer.Argument(help="The call's id.", show_default=False)],
) -> None:
    """Carry on from the failed step of what follows a call.

    Steps that are done stay done; those that were undone are done again.
    """
    try:
        run(_retry(settings_or_fail(), call))
    except NothingYet as error:
        fail(str(error))


async def _callbacks(
    settings: Settings, name: str, state: StepState | None, limit: int, *, as_json: bool
) -> int:
    async with looked_at(settings) as at:
        found = await following_up.list_chains(at.context, name, state=state, limit=limit)
    if as_json:
        flush_json(json.dumps([_shown(chain) for chain in found], ensure_ascii=False))
        return OK
    if not found:
        say("Nothing.")
    for chain in found:
        say(f"call {chain.call_id}: {chain.state}" + (f", {chain.error}" if chain.error else ""))
        for step in chain.steps:
            say(f"  {step.kind}: {step.state}" + _note(step))
    return OK


async def _retry(settings: Settings, call_id: str) -> int:
    async with looked_at(settings, engine=True) as at:
        chain = await following_up.retry_callback(at.context, call_id)
    left = [step.kind for step in chain.steps if step.state is StepState.PENDING]
    say(f"Started again, from {left[0] if left else 'its end'}.")
    return OK


def _note(step: Step) -> str:
    instead = (step.result or {}).get("alternatives")
    note = f", {step.note}" if step.note else ""
    return note + (f"; free: {', '.join(instead)}" if instead else "")


def _shown(chain: Chain) -> dict[str, Any]:
    return {
        "call": chain.call_id,
        "state": chain.state.value,
        "run": chain.run,
        "error": chain.error,
        "steps": [
            {
                "position": step.position,
                "kind": step.kind,
                "state": step.state.value,
                "note": step.note,
                "result": step.result,
            }
            for step in chain.steps
        ],
    }
