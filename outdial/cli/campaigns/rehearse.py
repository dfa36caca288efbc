"""`outdial rehearse`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from outdial.cli.attachment import NothingYet, reading_records
from outdial.cli.campaigns.pages import Drawn, Html, Opened
from outdial.cli.campaigns.rehearsal_figures import (
    outcome_report,
    print_outcome,
    print_steps,
    steps_report,
)
from outdial.cli.campaigns.staging import Interrupted
from outdial.cli.exit_codes import OK
from outdial.cli.live_line import live_line
from outdial.cli.output import fail, flush_json, plural
from outdial.cli.running import run, settings_or_fail
from outdial.domain.definition.fields import parse_instant
from outdial.domain.line.routing import SIMULATED
from outdial.intake.definition import read_definition
from outdial.intake.written_value import read_written_value
from outdial.rehearsal.fate import Modeled, PeopleSource
from outdial.rehearsal.outcome import Outcome
from outdial.rehearsal.people import GUESSES, PeopleModel
from outdial.rehearsal.rehearsal import Rehearsal
from outdial.rehearsal.waits import Step
from outdial.runtime.clock import system_clock
from outdial.runtime.lines import build_lines
from outdial.runtime.settings.file import SettingsInvalid
from outdial.runtime.settings.settings import Settings
from outdial.runtime.stack.addresses import settings_of_launch
from outdial.services.campaigns.rehearsal_processes import Interruption
from outdial.services.campaigns.rehearsing import (
    MOST_RUNS,
    RehearsalProgress,
    read_rehearsal,
    trace_recipient,
    with_records,
)
from outdial.services.campaigns.rehearsing import (
    rehearse as rehearse_all,
)
from outdial.services.campaigns.simulated_people import read_simulated_people
from outdial.services.compliance.numbers import parse_number

RUNS = 10


def rehearse(
    file: Annotated[Path, typer.Argument(help="The campaign's YAML file.", show_default=False)],
    seed: Annotated[
        int, typer.Option("--seed", help="Of the first run; the others have the next ones.")
    ] = 1,
    runs: Annotated[
        int, typer.Option("--runs", min=1, max=MOST_RUNS, help="How many runs, one a seed.")
    ] = RUNS,
    people: Annotated[
        str | None,
        typer.Option(
            "--people",
            help="A YAML file with a people model, or `simulated`: those of the simulated network.",
            show_default="shipped guesses",
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--start",
            help="When it is launched: a date, a time and an offset.",
            show_default="now",
        ),
    ] = None,
    recipient: Annotated[
        str | None,
        typer.Option(
            "--recipient",
            help="Every decision about the recipient with this number, in the first run.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")] = False,
    html: Html = None,
    png: Annotated[
        Path | None,
        typer.Option("--png", help="Write each chart as an image there.", show_default=False),
    ] = None,
    opened: Opened = False,
) -> None:
    """Rehearse a campaign file in virtual time. No call is placed.

    The campaign is carried out to its end with the engine's own decisions, once for each seed; what
    becomes of each call is drawn from a people model. Prints when it is over, how many calls it
    takes, how many people it reaches and what they wait for, each as the 10th, 50th and 90th
    percentile of the runs. What the database here knows (your own rules, suppressed numbers,
    earlier calls) is taken into account.

    Exit code: 0 rehearsed, 1 problems.
    """
    settings = settings_or_fail()
    drawn = Drawn(html, opened=opened, png=png)
    run(_rehearse(settings, file, seed, runs, people, start, recipient, drawn, as_json=as_json))


async def _rehearse(
    settings: Settings,
    file: Path,
    seed: int,
    runs: int,
    people: str | None,
    start: str | None,
    recipient: str | None,
    drawn: Drawn,
    *,
    as_json: bool,
) -> int:
    begin = system_clock() if start is None else _instant(start)
    source = _people(settings, people)
    rehearsal = await _with_records(settings, await _read(settings, file, begin, source))
    if recipient is not None:
        steps = await _steps(rehearsal, seed, parse_number(recipient))
        if as_json:
            flush_json(json.dumps(steps_report(steps), ensure_ascii=False))
        else:
            print_steps(steps)
        return OK
    seeds = range(seed, seed + runs)
    outcome = await _outcome(rehearsal, seeds)
    if as_json:
        flush_json(json.dumps(outcome_report(rehearsal, outcome), ensure_ascii=False))
    else:
        print_outcome(rehearsal, outcome)
    if drawn:
        from outdial.cli.campaigns.rehearsal_page import rehearsal_charts, rehearsal_page

        of = rehearsal.people.source
        drawn.write_page(lambda: rehearsal_page(rehearsal.name, of, outcome), rehearsal.name)
        drawn.write_images(lambda: rehearsal_charts(outcome))
    return OK


async def _steps(rehearsal: Rehearsal, seed: int, number: str) -> list[Step]:
    """Raises Interrupted for Ctrl-C."""
    interruption = Interruption()
    try:
        return await asyncio.to_thread(trace_recipient, rehearsal, seed, number, interruption)
    except asyncio.CancelledError:
        interruption.request()
        raise Interrupted("Interrupted; nothing was changed.") from None


async def _outcome(rehearsal: Rehearsal, seeds: Sequence[int]) -> Outcome:
    """Raises Interrupted for Ctrl-C."""
    interruption = Interruption()
    try:
        with live_line() as show:
            return await asyncio.to_thread(
                rehearse_all,
                rehearsal,
                seeds,
                progress=lambda progress: show(_in_words(progress)),
                interruption=interruption,
            )
    except asyncio.CancelledError:
        interruption.request()
        raise Interrupted("Interrupted; nothing was changed.") from None


def _instant(text: str) -> datetime:
    try:
        return parse_instant(text)
    except ValueError as error:
        fail(f"--start: {error}")


def _people(settings: Settings, named: str | None) -> PeopleSource:
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


async def _read(settings: Settings, file: Path, start: datetime, people: PeopleSource) -> Rehearsal:
    """The campaign as it would be launched with the settings found here."""
    loaded = read_definition(file)
    try:
        settings = settings_of_launch(settings)
        lines = build_lines(settings)
    except SettingsInvalid as error:
        fail(*error.problems)
    try:
        return await asyncio.to_thread(
            read_rehearsal, lines.of_tenant(settings.tenant), loaded, start, people
        )
    finally:
        await lines.aclose()


async def _with_records(settings: Settings, rehearsal: Rehearsal) -> Rehearsal:
    try:
        async with reading_records(settings) as at:
            return await with_records(at.context, rehearsal)
    except NothingYet:
        return rehearsal


def _in_words(progress: RehearsalProgress) -> str:
    runs = f"{progress.done} of {plural(progress.runs, 'run')}"
    return runs if progress.at is None else f"{runs}, {progress.at:%a %d %b %H:%M}Z"
