"""`outdial try`: call yourself first."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from outdial.cli.attachment import Attachment, attached
from outdial.cli.exit_codes import FAILED, INTERRUPTED, OK
from outdial.cli.output import fail, say
from outdial.cli.running import run, settings_or_fail
from outdial.domain.codes import words

if TYPE_CHECKING:
    from outdial.contracts.messages import RequestResult
    from outdial.domain.record import CallRecord
    from outdial.runtime.settings.settings import Settings

POLL_SECONDS = 0.3


def try_call(
    file: Annotated[Path, typer.Argument(help="The campaign's YAML file.", show_default=False)],
    to: Annotated[
        str,
        typer.Option("--to", help="Your own number, with + and country code.", show_default=False),
    ],
) -> None:
    """Call yourself first, as the first recipient would be called.

    Uses the file's line and agent, and the variables of its first recipient. The call is placed
    at once, whatever the calling hours, is not retried, and is not counted in any campaign.
    """
    from outdial.domain.numbers.phone import BadPhone, parse_phone

    try:
        number = parse_phone(to)
    except BadPhone as error:
        fail(f"--to: {str(error).removesuffix(', or set default_region')}")
    settings = settings_or_fail()
    try:
        run(_try(settings, file, number))
    except (KeyboardInterrupt, asyncio.CancelledError):
        say("Interrupted; a call that was placed continues.", to_stderr=True)
        raise SystemExit(INTERRUPTED) from None


async def _try(settings: Settings, file: Path, number: str) -> int:
    from outdial.domain.call.plan import CallPlan
    from outdial.domain.call.status import CallStatus
    from outdial.domain.numbers.phone import mask_phone
    from outdial.intake.contacts.roster import first_recipient
    from outdial.intake.definition import read_definition
    from outdial.intake.problems import DefinitionInvalid
    from outdial.intake.validation import validate
    from outdial.services.calls import requests
    from outdial.services.calls.trial import trial_request
    from outdial.services.campaigns.line_check import on_lines
    from outdial.services.operations.lines import simulated_lines

    try:
        loaded = read_definition(file)
        first = first_recipient(loaded)
    except DefinitionInvalid:
        fail(*validate(file).lines())
    if first is None:
        fail(f"{file}: there are no recipients; the first one's variables are needed")
    async with attached(settings) as at:
        ctx = at.context
        loaded = on_lines(ctx.lines.of_tenant(ctx.tenant), loaded)
        request = trial_request(loaded.definition, number, first.variables)
        workflow_id = await requests.request_call(at.context, request)
        say(f"Calling {mask_phone(number)} on line {request.line} …")
        for note in simulated_lines(ctx, CallPlan.of(loaded.definition)):
            say(note)
        result = await _follow(at, number, workflow_id)
        _show_result(result)
    return FAILED if result.status in (None, CallStatus.FAILED, CallStatus.CANCELED) else OK


async def _follow(at: Attachment, number: str, workflow_id: str) -> RequestResult:
    """Print what happens to the call, until there is an outcome."""
    from outdial.services.calls import requests
    from outdial.services.operations import reading

    printer = _CallPrinter(at, number)
    outcome = asyncio.create_task(requests.await_outcome(at.context, workflow_id))
    tasks: set[asyncio.Task[RequestResult] | asyncio.Task[None]] = {
        outcome,
        asyncio.create_task(printer.follow()),
    }
    if at.own is not None:
        tasks.add(asyncio.create_task(at.own.failure()))
    try:
        pending = tasks
        while not outcome.done():
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        result = outcome.result()
        if result.call_id is not None:
            printer.print_new(await reading.get_call(at.context, result.call_id))
        return result
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _CallPrinter:
    """Prints what happens to the call to `number`, each thing once."""

    def __init__(self, at: Attachment, number: str) -> None:
        self._at = at
        self._number = number
        self._since = at.context.clock()
        self._printed: set[str] = set()

    async def follow(self) -> None:
        """Print until cancelled."""
        from outdial.services.operations import reading

        ctx = self._at.context
        call: CallRecord | None = None
        while True:
            if call is None:
                call = await reading.find_live_call(ctx, self._number, self._since)
            else:
                call = await reading.get_call(ctx, call.id)
            self.print_new(call)
            await asyncio.sleep(POLL_SECONDS)

    def print_new(self, call: CallRecord | None) -> None:
        for event in _events(call) if call is not None else ():
            if event not in self._printed:
                self._printed.add(event)
                say(f"  {event}")


def _events(call: CallRecord) -> list[str]:
    """What has happened so far, oldest first."""
    happened = []
    for at, what in (
        (call.placed_at, "placed"),
        (call.ringing_at, "ringing"),
        (call.answered_at, "answered"),
        (call.ended_at, words(call.status.value)),
    ):
        if at is not None:
            happened.append(f"{at:%H:%M:%S}Z  {what}")
    return happened


def _show_result(result: RequestResult) -> None:
    talk = f" after {result.duration_seconds:.0f} s" if result.duration_seconds else ""
    reason = f" ({result.reason})" if result.reason else ""
    say(f"Outcome: {words(result.outcome)}{talk}{reason}")
