"""`outdial watch`."""

from __future__ import annotations

import asyncio

from outdial.cli.attachment import reading_records
from outdial.cli.campaign_name import CampaignName
from outdial.cli.campaigns.figures import print_end
from outdial.cli.campaigns.progress import StackGone
from outdial.cli.campaigns.progress import watch as follow
from outdial.cli.exit_codes import INTERRUPTED
from outdial.cli.output import console, fail, say
from outdial.cli.running import run, settings_or_fail
from outdial.runtime.settings.settings import Settings


def watch(
    name: CampaignName,
) -> None:
    """Show a campaign's progress until it has ended.

    Ctrl-C ends this command, not the campaign.

    Exit code: 0 finished, 3 stopped, 1 an error.
    """
    settings = settings_or_fail()
    try:
        run(_watch(settings, name))
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise SystemExit(INTERRUPTED) from None


async def _watch(settings: Settings, name: str) -> int:
    output = console()
    async with reading_records(settings) as at:
        if not at.live:
            say("No engine is running; `outdial up` or `outdial launch` starts one.")
        try:
            ended = await follow(at, name, output)
        except StackGone:
            fail(f"the stack that ran {name} was stopped; `outdial up` resumes it")
        return print_end(ended, at.ui, output, as_json=False)
