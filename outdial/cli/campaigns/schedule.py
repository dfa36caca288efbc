"""`outdial schedule` and `outdial unschedule`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from outdial.cli.attachment import Attachment, NothingYet, changing_records
from outdial.cli.campaign_name import CampaignName
from outdial.cli.exit_codes import OK
from outdial.cli.output import fail, say
from outdial.cli.running import run, settings_or_fail

if TYPE_CHECKING:
    from outdial.runtime.settings.settings import Settings

UP_FIRST = "; run `outdial up` first, or configure Temporal (TEMPORAL_ADDRESS)"


def schedule(
    file: Annotated[Path, typer.Argument(help="The campaign's YAML file.", show_default=False)],
    cron: Annotated[
        str,
        typer.Option("--cron", help="When, such as '0 9 * * 1-5'.", show_default=False),
    ],
    time_zone: Annotated[
        str | None, typer.Option("--time-zone", help="IANA name; default: UTC.")
    ] = None,
) -> None:
    """Launch a campaign repeatedly, by a Temporal Schedule.

    At each launch a worker reads the file and its contacts, from the folder that the setting
    `campaigns_dir` names. A launch is skipped while the previous one is still running.
    """
    settings = settings_or_fail()
    name, relative = _within(settings.campaigns_dir, file)
    run(_schedule(settings, name, relative, cron, time_zone))


def unschedule(
    name: CampaignName,
) -> None:
    """Remove a campaign's schedule. A launch that runs continues."""
    run(_unschedule(settings_or_fail(), name))


def _within(folder: Path, file: Path) -> tuple[str, str]:
    """The campaign's name, and its file as workers find it."""
    from outdial.intake.definition import read_definition
    from outdial.intake.problems import DefinitionInvalid
    from outdial.intake.validation import validate

    folder = folder.resolve()
    if not file.resolve().is_relative_to(folder):
        fail(f"{file} is not within {folder}, from which workers read; move it there")
    try:
        name = read_definition(file).definition.name
    except DefinitionInvalid:
        fail(*validate(file).lines())
    return name, str(file.resolve().relative_to(folder))


async def _schedule(
    settings: Settings, name: str, relative: str, cron: str, time_zone: str | None
) -> int:
    from outdial.services.campaigns import scheduling

    async with changing_records(settings, hint=UP_FIRST) as at:
        _require_engine(at)
        made = await scheduling.schedule_campaign(
            at.context, name, relative, cron, time_zone=time_zone
        )
    say(f"{name} is launched at {cron!r} ({time_zone or 'UTC'}){'' if made else ' from now on'}.")
    return OK


async def _unschedule(settings: Settings, name: str) -> int:
    from outdial.services.campaigns import scheduling

    async with changing_records(settings, hint=UP_FIRST) as at:
        _require_engine(at)
        await scheduling.unschedule_campaign(at.context, name)
    say(f"{name} has no schedule any more.")
    return OK


def _require_engine(at: Attachment) -> None:
    """Schedules are kept by Temporal, without which records are no use. Raises NothingYet."""
    if not at.live:
        raise NothingYet(f"no Temporal runs here{UP_FIRST}")
