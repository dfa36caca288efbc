"""The argument that names a campaign, and what a shell offers for it."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

OFFERED = 50
"""Names at most: a shell asks before it lists many more."""


def offer_names(incomplete: str) -> list[str]:
    """Names of campaigns that begin so, in the order of the alphabet.

    None where they can't be read: a shell would show the reason within the line that is typed.
    """
    from outdial.cli.attachment import reading_records
    from outdial.runtime.settings.settings import load_settings
    from outdial.services.operations import reading

    async def read() -> list[str]:
        async with reading_records(load_settings()) as at:
            return await reading.names_beginning(at.context, incomplete, OFFERED)

    try:
        return asyncio.run(read())
    except Exception:
        return []


CampaignName = Annotated[
    str,
    typer.Argument(help="The campaign's name.", show_default=False, autocompletion=offer_names),
]
