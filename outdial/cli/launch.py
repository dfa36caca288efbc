"""`outdial launch` and `outdial watch`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from outdial.cli.attachment import Attachment, NothingYet, attached, looked_at
from outdial.cli.exit_codes import INTERRUPTED, OK, STOPPED
from outdial.cli.output import err, fail, flush_json, out, plural, say
from outdial.cli.progress import StackGone, summary, watch
from outdial.cli.running import run, settings_or_fail
from outdial.domain.call.claim import CampaignState
from outdial.domain.record import Progress, RecipientState
from outdial.intake.definition import LoadedDefinition, read_definition
from outdial.intake.problems import DefinitionInvalid
from outdial.intake.validation import validate
from outdial.runtime.connection import is_configured
from outdial.runtime.settings.settings import Settings
from outdial.runtime.stack.statefile import is_owned
from outdial.services.campaigns.launching import Launch, launch_campaign
from outdial.store.db.errors import CampaignEnded

File = Annotated[Path, typer.Argument(help="The campaign's YAML file.", show_default=False)]


def launch(
    file: File,
    watch_it: Annotated[
        bool,
        typer.Option(
            "--watch/--no-watch", help="Stay and show progress until the campaign is over."
        ),
    ] = True,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="End with one JSON object on the last line of standard output."
        ),
    ] = False,
    again: Annotated[
        bool,
        typer.Option("--again", help="Launch a campaign that is over once more, with this file."),
    ] = False,
) -> None:
    """Launch a campaign file, and watch it to its end.

    Everything in the file and in its contacts is checked before the first call. Without a
    configured Temporal all that it takes is started here, for as long as this command runs,
    with a simulated telephone network: nobody's phone rings. Ctrl-C is safe: launching the file
    again goes on where it was.

    Exit code: 0 finished, 3 stopped, 1 an error.
    """
    settings = settings_or_fail()
    try:
        run(_launch(settings, file, watch_it=watch_it, as_json=as_json, again=again))
    except (KeyboardInterrupt, asyncio.CancelledError):
        _interrupted(settings, f"outdial launch {file}")


def watch_command(
    name: Annotated[str, typer.Argument(help="The campaign's name.", show_default=False)],
) -> None:
    """Show a campaign's progress until it is over.

    Leaving with Ctrl-C changes nothing.

    Exit code: 0 finished, 3 stopped, 1 an error.
    """
    settings = settings_or_fail()
    try:
        run(_watch(settings, name))
    except NothingYet as error:
        fail(str(error))
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise SystemExit(INTERRUPTED) from None


async def _launch(
    settings: Settings, file: Path, *, watch_it: bool, as_json: bool, again: bool
) -> int:
    console = err if as_json else out
    loaded = _read(file)
    if not watch_it and not is_configured(settings) and not is_owned(settings.state_dir):
        fail(
            "--no-watch needs an engine that goes on afterwards: run `outdial up` in another "
            "terminal first, or configure Temporal (TEMPORAL_ADDRESS)"
        )
    while True:
        async with attached(settings, quiet=as_json) as at:
            launched = await _launch_at(at, loaded, console, again=again)
            if not watch_it:
                return OK
            try:
                found = await watch(at, launched.campaign.name, console)
            except StackGone:
                say("The command whose stack this was has ended; going on here.", to_stderr=as_json)
                again = False
                continue
            return _end(found, at, console, as_json=as_json)


def _read(file: Path) -> LoadedDefinition:
    """The definition; a wrong one is told with everything else that is wrong, contacts too."""
    try:
        return read_definition(file)
    except DefinitionInvalid:
        fail(*validate(file).lines())


async def _launch_at(
    at: Attachment, loaded: LoadedDefinition, console: Console, *, again: bool
) -> Launch:
    name = loaded.definition.name
    try:
        launched = await launch_campaign(at.context, loaded, again=again)
    except CampaignEnded as ended:
        fail(
            f"{name} was launched before and is {ended.record.state}; "
            "add --again to launch it once more"
        )
    campaign = launched.campaign
    if launched.created:
        text = (
            f"Launched {name} on {campaign.plan.told_lines()}, "
            f"at most {plural(campaign.plan.pacing.max_concurrent, 'call')} at once."
        )
    elif launched.resumed or at.own is not None:
        text = f"{name} was launched before and interrupted; it goes on where it was."
    else:
        text = f"{name} is {campaign.state} already; nothing was changed."
    console.print(text, markup=False)
    for note in launched.notes:
        console.print(note, markup=False, style="yellow")
    for count, reason in launched.never:
        people = plural(count, "person", "people")
        console.print(f"{people} can never be called: {reason}", markup=False)
    for count, reason in launched.end_early:
        people = plural(count, "person", "people")
        console.print(f"{people} will not be called any more at {reason}", markup=False)
    return launched


async def _watch(settings: Settings, name: str) -> int:
    async with looked_at(settings) as at:
        if not at.live:
            say("Nothing carries it out now; `outdial up` or `outdial launch` would.")
        try:
            found = await watch(at, name, out)
        except StackGone:
            fail(f"the stack that carried {name} was stopped; `outdial up` goes on with it")
        return _end(found, at, out, as_json=False)


def _end(found: Progress, at: Attachment, console: Console, *, as_json: bool) -> int:
    for line in summary(found):
        console.print(line, markup=False)
    if as_json:
        flush_json(json.dumps(report(found, at.ui), ensure_ascii=False))
    return STOPPED if found.state is CampaignState.STOPPED else OK


def report(found: Progress, ui: str | None) -> dict[str, object]:
    """A campaign's figures for programs. `seconds` is from launch to end, null before."""
    states = {s: n for s, n in found.by_state.items() if s != RecipientState.DONE and n}
    end = found.finished_at
    return {
        "campaign": found.campaign,
        "state": found.state.value,
        "recipients": {**found.by_outcome, **states},
        "calls": found.calls,
        "attempts": found.attempts,
        "lines": list(found.lines),
        "simulated": list(found.simulated),
        "seconds": round((end - found.launched_at).total_seconds(), 1) if end else None,
        "ui": ui,
    }


def _interrupted(settings: Settings, command: str) -> None:
    if is_configured(settings) or is_owned(settings.state_dir):
        say("Stopped watching; the campaign goes on.", to_stderr=True)
    else:
        say(
            f"Interrupted. The campaign stays in {settings.state_dir}; "
            f"`{command}` goes on where it was.",
            to_stderr=True,
        )
    raise SystemExit(INTERRUPTED)
