"""`outdial launch`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from outdial.cli.attachment import Attachment, attached
from outdial.cli.campaigns.differences import unapplied_lines
from outdial.cli.campaigns.figures import print_end
from outdial.cli.campaigns.planned_file import CampaignFile, read_campaign_file
from outdial.cli.campaigns.progress import StackGone, watch
from outdial.cli.campaigns.staging import showing_progress
from outdial.cli.exit_codes import INTERRUPTED, OK
from outdial.cli.operations.console import link_of
from outdial.cli.output import console, fail, plural, say
from outdial.cli.running import run, settings_or_fail
from outdial.runtime.settings.settings import Settings
from outdial.runtime.stack.statefile import is_owned
from outdial.runtime.temporal_config import is_configured
from outdial.services.campaigns.launching import Launch, launch_campaign
from outdial.services.campaigns.plan_check import require_fresh
from outdial.store.db.errors import CampaignEnded

File = Annotated[
    Path, typer.Argument(help="The campaign's YAML file, or a plan of it.", show_default=False)
]


def launch(
    file: File,
    watch_it: Annotated[
        bool,
        typer.Option("--watch/--no-watch", help="Show progress until the campaign has ended."),
    ] = True,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Write the result as JSON, on the last line of standard output.",
        ),
    ] = False,
    again: Annotated[
        bool,
        typer.Option("--again", help="Launch a campaign that has ended once more, with this file."),
    ] = False,
) -> None:
    """Launch a campaign file, and watch it to its end.

    The file and its contacts are checked before the first call is placed. When no Temporal is
    configured, everything needed is started on this machine for as long as this command runs, with
    a simulated telephone network: nobody's phone rings. Ctrl-C is safe: launching the file again
    resumes the campaign. A plan (`outdial plan --out`) is refused if anything that it was made of
    has changed since.

    Exit code: 0 finished, 3 stopped, 1 an error.
    """
    settings = settings_or_fail()
    campaign = read_campaign_file(file)
    try:
        run(_launch(settings, campaign, watch_it=watch_it, as_json=as_json, again=again))
    except (KeyboardInterrupt, asyncio.CancelledError):
        # Its plan is stale as soon as it is launched.
        _interrupted(settings, f"outdial launch {campaign.path}")


async def _launch(
    settings: Settings, campaign: CampaignFile, *, watch_it: bool, as_json: bool, again: bool
) -> int:
    output = console(stderr=as_json)
    if not watch_it and not is_configured(settings) and not is_owned(settings.state_dir):
        fail(
            "--no-watch needs an engine that keeps running: run `outdial up` in another terminal "
            "first, or configure Temporal (TEMPORAL_ADDRESS)"
        )
    while True:
        async with attached(settings, quiet=as_json) as at:
            if at.own is not None and at.own.settings.api.console:
                link = await link_of(at.own.settings, at.own.state.endpoints.api)
                output.print(f"Console: {link}")
            launched = await _launch_at(at, campaign, output, again=again)
            if not watch_it:
                return OK
            try:
                progress = await watch(at, launched.campaign.name, output)
            except StackGone:
                say("The command that ran the stack has ended; continuing here.", to_stderr=as_json)
                again, campaign = False, replace(campaign, planned=None)
                continue
            return print_end(progress, at.ui, output, as_json=as_json)


async def _launch_at(
    at: Attachment, campaign_file: CampaignFile, output: Console, *, again: bool
) -> Launch:
    loaded = campaign_file.loaded
    if campaign_file.planned is not None:
        await require_fresh(at.context, loaded, campaign_file.planned)
    name = loaded.definition.name
    try:
        async with showing_progress(at.context, output) as progress:
            launched = await launch_campaign(at.context, loaded, again=again, progress=progress)
    except CampaignEnded as ended:
        fail(
            f"{name} was launched before and is {ended.record.state}; "
            "add --again to launch it once more"
        )
    campaign = launched.campaign
    if launched.created:
        text = (
            f"Launched {name} on {campaign.plan.lines_in_words()}, "
            f"at most {plural(campaign.plan.pacing.max_concurrent, 'call')} at once."
        )
    elif launched.resumed or at.own is not None:
        text = f"{name} was launched before and interrupted; it resumes."
    else:
        text = f"{name} is already {campaign.state}; nothing was changed."
    output.print(text)
    if not launched.created:
        for line in unapplied_lines(campaign_file.path, loaded.definition, launched):
            output.print(line)
    for note in launched.notes:
        output.print(note, style="yellow")
    for count, reason in launched.never:
        people = plural(count, "person", "people")
        output.print(f"{people} can never be called: {reason}")
    for count, reason in launched.end_early:
        people = plural(count, "person", "people")
        output.print(f"{people} will not be called any more at {reason}")
    return launched


def _interrupted(settings: Settings, command: str) -> None:
    if is_configured(settings) or is_owned(settings.state_dir):
        say("Stopped watching; the campaign continues.", to_stderr=True)
    else:
        say(
            f"Interrupted. The campaign is kept in {settings.state_dir}; `{command}` resumes it.",
            to_stderr=True,
        )
    raise SystemExit(INTERRUPTED)
