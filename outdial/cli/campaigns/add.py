"""`outdial add`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from outdial.cli.attachment import changing_records
from outdial.cli.campaign_name import CampaignName
from outdial.cli.exit_codes import OK
from outdial.cli.output import console, plural, say
from outdial.cli.running import run, settings_or_fail

if TYPE_CHECKING:
    from outdial.runtime.settings.settings import Settings


def add(
    name: CampaignName,
    file: Annotated[Path, typer.Argument(help="A contact file (CSV).", show_default=False)],
) -> None:
    """Add the people of a contact file to a campaign that has not ended.

    Its columns are those that the campaign's file names. All rows are added, or none.
    """
    run(_add(settings_or_fail(), name, file))


async def _add(settings: Settings, name: str, file: Path) -> int:
    from outdial.cli.campaigns.staging import showing_progress
    from outdial.services.campaigns.adding import add_file, store_file

    async with changing_records(settings) as at:
        ctx = at.context
        async with showing_progress(ctx, console(stderr=True)) as progress:
            if at.live:
                added, _ = await add_file(ctx, name, file.name, file.parent, progress=progress)
            else:
                added = await store_file(ctx, name, file.name, file.parent, progress=progress)
        text = f"Added {plural(added, 'recipient')} to {name}."
        if not at.live:
            text += " No engine is running; they are called when one starts."
        say(text)
    return OK
