"""`outdial rehearse`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from outdial.cli.attachment import NothingYet, reading_records
from outdial.cli.campaigns.pages import Html, Opened
from outdial.cli.campaigns.rehearsal_options import (
    MOST_RUNS,
    PeopleOption,
    SeedOption,
    StartOption,
)
from outdial.cli.exit_codes import OK
from outdial.cli.output import fail, flush_json
from outdial.cli.running import run, settings_or_fail

if TYPE_CHECKING:
    from outdial.cli.campaigns.pages import Drawn
    from outdial.rehearsal.fate import PeopleSource
    from outdial.rehearsal.outcome import Outcome
    from outdial.rehearsal.rehearsal import Rehearsal
    from outdial.rehearsal.waits import Step
    from outdial.runtime.settings.settings import Settings

RUNS = 10
Recipient = Annotated[
    str | None,
    typer.Option(
        "--recipient",
        help="Every decision about the recipient with this number, in the first run.",
        show_default=False,
    ),
]
Other = Annotated[
    Path | None,
    typer.Option(
        "--compare",
        help="Another campaign file: what it would do differently, with the same seeds.",
        show_default=False,
    ),
]

Png = Annotated[
    Path | None,
    typer.Option("--png", help="Write each chart as an image to this folder.", show_default=False),
]


def rehearse(
    file: Annotated[Path, typer.Argument(help="The campaign's YAML file.", show_default=False)],
    seed: SeedOption = 1,
    runs: Annotated[
        int, typer.Option("--runs", min=1, max=MOST_RUNS, help="How many runs, one a seed.")
    ] = RUNS,
    people: PeopleOption = None,
    start: StartOption = None,
    recipient: Recipient = None,
    compare: Other = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")] = False,
    html: Html = None,
    png: Png = None,
    opened: Opened = False,
) -> None:
    """Rehearse a campaign file in virtual time. No call is placed.

    The campaign is carried out to its end with the engine's own decisions, once for each seed; what
    becomes of each call is drawn from a people model. Prints when it is over, how many calls it
    takes, how many people it reaches and what they wait for, each as the 10th, 50th and 90th
    percentile of the runs. What the database here knows (your own rules, suppressed numbers,
    earlier calls) is taken into account.

    With --compare, another file is rehearsed with the same seeds: as each person does the same at
    the same attempt in both, the differences are due to the files. They are means with 95 %
    confidence intervals.

    Exit code: 0 rehearsed, 1 problems.
    """
    from outdial.cli.campaigns.pages import Drawn

    if compare is not None and recipient is not None:
        fail("--recipient: it follows one campaign; leave out --compare")
    drawn = Drawn(html, opened=opened, png=png)
    if drawn and (compare is not None or recipient is not None):
        fail("--html, --png, --open: they show one campaign; leave out --compare and --recipient")
    seeds = range(seed, seed + runs)
    settings = settings_or_fail()
    work = _carry_out(settings, file, seeds, people, start, recipient, compare, drawn, as_json)
    run(work)


@dataclass(frozen=True)
class _Chosen:
    """How files are rehearsed."""

    settings: Settings
    start: datetime
    people: PeopleSource
    seeds: range
    as_json: bool


async def _carry_out(
    settings: Settings,
    file: Path,
    seeds: range,
    people: str | None,
    start: str | None,
    recipient: str | None,
    compare: Path | None,
    drawn: Drawn,
    as_json: bool,
) -> int:
    from outdial.cli.campaigns.rehearsal_options import read_people, read_start

    chosen = _Chosen(settings, read_start(start), read_people(settings, people), seeds, as_json)
    if compare is not None:
        return await _compare(chosen, file, compare)
    if recipient is not None:
        return await _follow(chosen, file, recipient)
    return await _rehearse(chosen, file, drawn)


async def _rehearse(chosen: _Chosen, file: Path, drawn: Drawn) -> int:
    from outdial.cli.campaigns.rehearsal_figures import outcome_report, print_outcome

    rehearsal = await _prepare(chosen, file)
    outcome = await _outcome(rehearsal, chosen.seeds)
    if chosen.as_json:
        flush_json(json.dumps(outcome_report(rehearsal, outcome), ensure_ascii=False))
    else:
        print_outcome(rehearsal, outcome)
    if drawn:
        from outdial.cli.campaigns.rehearsal_page import rehearsal_charts, rehearsal_page

        drawn.write_page(lambda: rehearsal_page(rehearsal, outcome), rehearsal.name)
        drawn.write_images(lambda: rehearsal_charts(outcome))
    return OK


async def _compare(chosen: _Chosen, file: Path, other: Path) -> int:
    from outdial.cli.campaigns.comparison_figures import comparison_report, print_comparison
    from outdial.rehearsal.comparison import Comparison, same_recipients, shared_currency

    both = (await _prepare(chosen, file), await _prepare(chosen, other))
    alike = same_recipients(*both)
    first, second = [await _outcome(rehearsal, chosen.seeds) for rehearsal in both]
    comparison = Comparison(first, second, shared_currency(*both))
    if chosen.as_json:
        report = comparison_report(both, comparison, alike=alike)
        flush_json(json.dumps(report, ensure_ascii=False))
    else:
        names = (file.stem, other.stem) if file.stem != other.stem else (str(file), str(other))
        print_comparison(names, comparison, alike=alike)
    return OK


async def _follow(chosen: _Chosen, file: Path, recipient: str) -> int:
    from outdial.cli.campaigns.rehearsal_figures import print_steps, steps_report
    from outdial.services.compliance.numbers import parse_number

    rehearsal = await _prepare(chosen, file)
    steps = await _steps(rehearsal, chosen.seeds[0], parse_number(recipient))
    if chosen.as_json:
        flush_json(json.dumps(steps_report(steps), ensure_ascii=False))
    else:
        print_steps(steps)
    return OK


async def _prepare(chosen: _Chosen, file: Path) -> Rehearsal:
    """The campaign as it would be launched with the settings found here."""
    from outdial.cli.campaigns.rehearsal_options import read_on_lines
    from outdial.intake.definition import read_definition
    from outdial.services.campaigns.rehearsing import read_rehearsal

    loaded = read_definition(file)
    rehearsal = await read_on_lines(
        chosen.settings, lambda lines: read_rehearsal(lines, loaded, chosen.start, chosen.people)
    )
    return await _with_records(chosen.settings, rehearsal)


async def _steps(rehearsal: Rehearsal, seed: int, number: str) -> list[Step]:
    """Raises Interrupted for Ctrl-C."""
    from outdial.cli.campaigns.interruptible import interruptible
    from outdial.services.campaigns.rehearsing import trace_recipient

    with interruptible() as interruption:
        return await asyncio.to_thread(trace_recipient, rehearsal, seed, number, interruption)


async def _outcome(rehearsal: Rehearsal, seeds: Sequence[int]) -> Outcome:
    """Raises Interrupted for Ctrl-C."""
    from outdial.cli.campaigns.interruptible import interruptible
    from outdial.cli.campaigns.rehearsal_options import runs_in_words
    from outdial.cli.live_line import live_line
    from outdial.services.campaigns.rehearsing import rehearse as rehearse_all

    with interruptible() as interruption, live_line() as show:
        return await asyncio.to_thread(
            rehearse_all,
            rehearsal,
            seeds,
            progress=lambda progress: show(runs_in_words(progress)),
            interruption=interruption,
        )


async def _with_records(settings: Settings, rehearsal: Rehearsal) -> Rehearsal:
    from outdial.services.campaigns.rehearsing import with_records

    try:
        async with reading_records(settings) as at:
            return await with_records(at.context, rehearsal)
    except NothingYet:
        return rehearsal
