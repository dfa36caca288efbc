"""Options of `outdial plan` and `outdial rehearse`: what is rehearsed with whom, from when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from outdial.cli.output import fail, plural

if TYPE_CHECKING:
    from outdial.providers.lines import Lines
    from outdial.rehearsal.fate import PeopleSource
    from outdial.runtime.settings.settings import Settings
    from outdial.services.campaigns.rehearsing import RehearsalProgress

T = TypeVar("T")

MOST_RUNS = 1000
"""Of one rehearsal."""

PeopleOption = Annotated[
    str | None,
    typer.Option(
        "--people",
        help="A YAML file with a people model, or `simulated`: those of the simulated network.",
        show_default="shipped guesses",
    ),
]
StartOption = Annotated[
    str | None,
    typer.Option(
        "--start",
        help="When it is launched: a date, a time and an offset.",
        show_default="now",
    ),
]
SeedOption = Annotated[
    int, typer.Option("--seed", help="Of the first run; the others have the next ones.")
]


def read_start(text: str | None) -> datetime:
    """The instant of `--start`; now without it."""
    from outdial.domain.definition.fields import computable, parse_instant
    from outdial.runtime.clock import system_clock

    if text is None:
        return system_clock()
    try:
        return computable(parse_instant(text))
    except ValueError as error:
        fail(f"--start: {error}")


def read_people(settings: Settings, named: str | None) -> PeopleSource:
    """The people of `--people`."""
    from outdial.domain.line.routing import SIMULATED
    from outdial.intake.written_value import read_written_value
    from outdial.rehearsal.fate import Modeled
    from outdial.rehearsal.people import GUESSES, PeopleModel
    from outdial.services.campaigns.simulated_people import read_simulated_people

    if named is None:
        return Modeled(GUESSES)
    if named != SIMULATED:
        return Modeled(read_written_value(Path(named), PeopleModel)[0])
    simulated = settings.simulated
    # As the embedded stack starts its network: what the file says holds unless it is set.
    given = (
        {}
        if simulated.config and "time_scale" not in simulated.model_fields_set
        else {"time_scale": simulated.time_scale}
    )
    try:
        return read_simulated_people(simulated.config, **given)
    except (OSError, ValueError) as error:
        fail(f"simulated.config: {error}")


async def read_on_lines(settings: Settings, read: Callable[[Lines], T]) -> T:
    """What `read` makes of the lines that a launch here would call on."""
    from outdial.runtime.lines import build_lines
    from outdial.runtime.settings.file import SettingsInvalid
    from outdial.runtime.stack.addresses import settings_of_launch

    try:
        settings = settings_of_launch(settings)
        lines = build_lines(settings)
    except SettingsInvalid as error:
        fail(*error.problems)
    try:
        return await asyncio.to_thread(read, lines.of_tenant(settings.tenant))
    finally:
        await lines.aclose()


def runs_in_words(progress: RehearsalProgress) -> str:
    """`3 of 10 runs, Wed 04 Mar 15:00Z`."""
    runs = f"{progress.done} of {plural(progress.runs, 'run')}"
    return runs if progress.at is None else f"{runs}, {progress.at:%a %d %b %H:%M}Z"
