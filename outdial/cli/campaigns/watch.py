"""`outdial watch`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from outdial.cli.attachment import reading_records
from outdial.cli.campaign_name import offer_names
from outdial.cli.exit_codes import INTERRUPTED, OK
from outdial.cli.output import console, fail, say
from outdial.cli.running import run, settings_or_fail

if TYPE_CHECKING:
    from outdial.runtime.settings.settings import Settings


def watch(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A campaign; default: all.", show_default=False, autocompletion=offer_names
        ),
    ] = None,
) -> None:
    """Show a campaign's progress until it has ended.

    In a terminal it is a live view: campaigns, calls in flight, what is waited for and what has
    happened; arrow keys select a campaign, p pauses it, r resumes it, q quits. Without a name it
    shows all campaigns, until q. Ctrl-C ends this command, not the campaign.

    Exit code: 0 finished, 3 stopped, 1 an error.
    """
    settings = settings_or_fail()
    try:
        run(_watch(settings, name))
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise SystemExit(INTERRUPTED) from None


async def _watch(settings: Settings, name: str | None) -> int:
    from outdial.cli.campaigns.figures import print_end
    from outdial.cli.campaigns.progress import StackGone
    from outdial.cli.campaigns.progress import watch as follow

    output = console()
    if name is None and not output.is_terminal:
        fail("write the name of a campaign: all of them are watched in a terminal alone")
    async with reading_records(settings) as at:
        if not at.live:
            say("No engine is running; `outdial up` or `outdial launch` starts one.")
        try:
            if output.is_terminal:
                from outdial.cli.campaigns.live_watch import LiveWatch

                ended = await LiveWatch(settings, at, name, output).run()
            else:
                assert name is not None
                ended = await follow(at, name, output)
        except StackGone:
            fail(f"the stack that ran {name or 'them'} was stopped; `outdial up` resumes it")
        return OK if ended is None else print_end(ended, at.ui, output, as_json=False)
