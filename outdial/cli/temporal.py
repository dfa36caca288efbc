"""`outdial schedule`, `outdial unschedule` and `outdial nexus`."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from outdial.cli.attachment import Attachment, NothingYet, looked_at
from outdial.cli.exit_codes import OK
from outdial.cli.output import fail, say
from outdial.cli.running import run, settings_or_fail
from outdial.intake.definition import read_definition
from outdial.intake.problems import DefinitionInvalid
from outdial.intake.validation import validate
from outdial.runtime.connection import connect_temporal
from outdial.runtime.settings.settings import Settings
from outdial.services import nexus as nexus_service
from outdial.services.campaigns import scheduling


def schedule(
    file: Annotated[Path, typer.Argument(help="The campaign's YAML file.", show_default=False)],
    cron: Annotated[
        str, typer.Option("--cron", help="When, such as '0 9 * * 1-5'.", show_default=False)
    ],
    time_zone: Annotated[
        str | None, typer.Option("--time-zone", help="IANA name; default: UTC.")
    ] = None,
) -> None:
    """Launch a campaign again and again, by a Temporal Schedule.

    The file and its contacts are read anew at every launch, by a worker, from the folder that
    the setting `campaigns_dir` names. A launch is left out while the one before still runs.
    """
    settings = settings_or_fail()
    name, relative = _within(settings.campaigns_dir, file)
    _run(_schedule(settings, name, relative, cron, time_zone))


def unschedule(
    name: Annotated[str, typer.Argument(help="The campaign's name.", show_default=False)],
) -> None:
    """Launch a recurring campaign no more. What runs goes on."""
    _run(_unschedule(settings_or_fail(), name))


def nexus(
    name: Annotated[
        str, typer.Option("--name", help="What other namespaces call it.")
    ] = nexus_service.ENDPOINT,
) -> None:
    """Create the Nexus endpoint by which workflows of other namespaces place calls.

    Repeating it is harmless.
    """
    run(_nexus(settings_or_fail(), name))


def _run(work: Coroutine[Any, Any, int]) -> None:
    try:
        run(work)
    except NothingYet as error:
        fail(f"{error}; run `outdial up` first, or configure Temporal (TEMPORAL_ADDRESS)")


def _within(folder: Path, file: Path) -> tuple[str, str]:
    """The campaign's name, and its file as workers find it."""
    folder = folder.resolve()
    if not file.resolve().is_relative_to(folder):
        fail(f"{file} is not within {folder}, where workers look; move it there")
    try:
        name = read_definition(file).definition.name
    except DefinitionInvalid:
        fail(*validate(file).lines())
    return name, str(file.resolve().relative_to(folder))


async def _schedule(
    settings: Settings, name: str, relative: str, cron: str, time_zone: str | None
) -> int:
    async with looked_at(settings, engine=True) as at:
        _require_engine(at)
        made = await scheduling.schedule_campaign(
            at.context, name, relative, cron, time_zone=time_zone
        )
    say(f"{name} is launched at {cron!r} ({time_zone or 'UTC'}){'' if made else ' from now on'}.")
    return OK


async def _unschedule(settings: Settings, name: str) -> int:
    async with looked_at(settings, engine=True) as at:
        _require_engine(at)
        await scheduling.unschedule_campaign(at.context, name)
    say(f"{name} is launched no more.")
    return OK


def _require_engine(at: Attachment) -> None:
    """Schedules are Temporal's, and records may be left of one that is gone. Raises NothingYet."""
    if not at.live:
        raise NothingYet("no Temporal runs here")


async def _nexus(settings: Settings, name: str) -> int:
    client = await connect_temporal(settings)
    made = await nexus_service.create_endpoint(client, name)
    say(f"Nexus endpoint {name} {'is ready' if made else 'was there'}: {client.namespace}/outdial")
    return OK
