"""`outdial plan`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from outdial.cli.attachment import NothingYet, reading_records
from outdial.cli.campaigns.rehearsal_options import (
    MOST_RUNS,
    PeopleOption,
    SeedOption,
    StartOption,
)
from outdial.cli.exit_codes import FAILED, OK, VIOLATED
from outdial.cli.output import fail, flush_json, say
from outdial.cli.running import run, settings_or_fail

if TYPE_CHECKING:
    from outdial.intake.problems import Problem
    from outdial.resources.resources import Resources
    from outdial.runtime.settings.settings import Settings
    from outdial.services.campaigns.plan_document import PlanDocument
    from outdial.services.campaigns.plan_input import PlanInput
    from outdial.services.campaigns.planning import CampaignPlan

RUNS = 10


def plan(
    file: Annotated[Path, typer.Argument(help="The campaign's YAML file.", show_default=False)],
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy",
            help="A YAML file with limits; a plan that exceeds one ends with exit code 4.",
            show_default=False,
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            help="A folder for recipients.csv (every recipient with its group and the reason) and "
            "rejected.csv.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Write the plan to a file, for `outdial apply` and `outdial launch`.",
            show_default=False,
        ),
    ] = None,
    runs: Annotated[
        int,
        typer.Option("--runs", min=0, max=MOST_RUNS, help="How many rehearsals; 0: none."),
    ] = RUNS,
    seed: SeedOption = 1,
    people: PeopleOption = None,
    start: StartOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")] = False,
) -> None:
    """Show what a campaign file would do. No call is placed.

    Decides about every recipient as a launch would, with what the database here knows (your own
    rules, suppressed numbers, earlier calls): who is called, who later and when, who never and why.
    Shows the hours of each time zone and jurisdiction with the rules that narrow them, rejected
    rows, how much of each cap is used, and from rehearsals when it is over, how many calls it takes
    and at which hours. If the campaign was launched before, it also shows what applying the file
    would change, and how many waiting recipients each changed key affects.

    Exit code: 0 planned, 1 problems (rejected rows too), 4 it exceeds the policy.
    """
    settings = settings_or_fail()
    options = _Options(file, policy, csv, out, people, start, range(seed, seed + runs))
    run(_plan(settings, options, as_json=as_json))


@dataclass(frozen=True, slots=True)
class _Options:
    file: Path
    policy: Path | None
    csv: Path | None
    out: Path | None
    people: str | None
    start: str | None
    seeds: Sequence[int]


async def _plan(settings: Settings, options: _Options, *, as_json: bool) -> int:
    from outdial.cli.campaigns.plan_figures import print_plan
    from outdial.intake.written_value import read_written_value
    from outdial.services.campaigns.plan_changes import plan_changes
    from outdial.services.campaigns.plan_document import PlanDocument
    from outdial.services.campaigns.plan_policy import PlanPolicy, violations

    limits = None if options.policy is None else read_written_value(options.policy, PlanPolicy)
    async with _records(settings) as ctx:
        given = await _read(settings, options, ctx)
        changes = None if ctx is None else await plan_changes(ctx, given)
    planned = await _made(given, options.seeds)
    exceeded = [] if limits is None else violations(*limits, planned)
    document = PlanDocument.of(planned, changes)
    await _write_files(options, planned, document)
    if as_json:
        flush_json(document.model_dump_json())
    else:
        print_plan(document, planned.given.rejected)
    return _exit_code(planned, exceeded)


async def _write_files(options: _Options, planned: CampaignPlan, document: PlanDocument) -> None:
    from outdial.cli.campaigns.plan_files import write_csv
    from outdial.cli.campaigns.planned_file import write_plan

    if options.csv is not None:
        with _writing("--csv"):
            await asyncio.to_thread(write_csv, options.csv, planned)
    if options.out is not None:
        with _writing("--out"):
            write_plan(options.out, options.file, document)


@contextmanager
def _writing(option: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        fail(f"{option}: found a place that can't be written: {error.strerror}")


def _exit_code(planned: CampaignPlan, exceeded: Sequence[Problem]) -> int:
    for problem in exceeded:
        say(str(problem), to_stderr=True)
    if planned.given.rejected:
        return FAILED
    return VIOLATED if exceeded else OK


@asynccontextmanager
async def _records(settings: Settings) -> AsyncIterator[Resources | None]:
    """The database; None: nothing was launched here yet."""
    async with AsyncExitStack() as opened:
        try:
            at = await opened.enter_async_context(reading_records(settings))
        except NothingYet:
            yield None
        else:
            yield at.context


async def _read(settings: Settings, options: _Options, ctx: Resources | None) -> PlanInput:
    """The campaign as it would be launched, or changed, with the settings found here."""
    from outdial.cli.campaigns.rehearsal_options import read_on_lines, read_people, read_start
    from outdial.intake.definition import read_definition
    from outdial.services.campaigns.plan_input import find_launched, read_plan_input, with_database

    begin, people = read_start(options.start), read_people(settings, options.people)
    loaded = read_definition(options.file)
    before = None if ctx is None else await find_launched(ctx, loaded.definition.name)
    given = await read_on_lines(
        settings, lambda lines: read_plan_input(lines, loaded, begin, people, before)
    )
    return given if ctx is None else await with_database(ctx, given)


async def _made(given: PlanInput, seeds: Sequence[int]) -> CampaignPlan:
    """Raises Interrupted for Ctrl-C."""
    from outdial.cli.campaigns.interruptible import interruptible
    from outdial.cli.campaigns.rehearsal_options import runs_in_words
    from outdial.cli.live_line import live_line
    from outdial.services.campaigns.planning import make_plan

    with interruptible() as interruption, live_line() as show:
        return await asyncio.to_thread(
            make_plan,
            given,
            seeds,
            progress=lambda progress: show(runs_in_words(progress)),
            interruption=interruption,
        )
