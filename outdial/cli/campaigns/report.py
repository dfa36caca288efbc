"""`outdial report`."""

from __future__ import annotations

import asyncio
import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from outdial.cli.attachment import reading_records
from outdial.cli.campaign_name import CampaignName
from outdial.cli.campaigns.pages import Html, Opened
from outdial.cli.exit_codes import OK
from outdial.cli.output import fail, flush_json, say
from outdial.cli.running import run, settings_or_fail

if TYPE_CHECKING:
    from outdial.cli.campaigns.pages import Drawn
    from outdial.domain.report.rehearsed import RehearsedCampaign
    from outdial.domain.report.report import CampaignReport
    from outdial.domain.report.tables import Cell
    from outdial.runtime.settings.settings import Settings


def report(
    name: CampaignName,
    launch: Annotated[
        int | None,
        typer.Option("--launch", min=1, help="Which launch.", show_default="the present one"),
    ] = None,
    right: Annotated[
        list[str] | None,
        typer.Option(
            "--right",
            help="An outcome that counts as right; several times for several.",
            show_default="those of a talk with a person, but for such as opted_out",
        ),
    ] = None,
    rehearsal: Annotated[
        Path | None,
        typer.Option(
            "--rehearsal",
            help="Compare with a rehearsal: a file that `outdial rehearse --json` wrote.",
            show_default=False,
        ),
    ] = None,
    html: Html = None,
    csv_dir: Annotated[
        Path | None,
        typer.Option(
            "--csv", help="Write each table as a CSV file to this folder.", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")] = False,
    opened: Opened = False,
) -> None:
    """Report what a campaign came to.

    How many people were enrolled, callable, attempted, reached and brought to a right outcome; who
    answered, at which hour of their day; outcomes by zone, line, agent, caller id and revision;
    durations, costs, what is waited for, and which rules were applied. Rates have intervals (95 %).
    """
    from outdial.cli.campaigns.pages import Drawn

    settings = settings_or_fail()
    drawn = Drawn(html, opened=opened)
    rehearsed = None if rehearsal is None else _read_rehearsal(rehearsal, name)
    made = _report(settings, name, launch, right or [], rehearsed, csv_dir, drawn, as_json=as_json)
    run(made)


def _read_rehearsal(path: Path, name: str) -> RehearsedCampaign:
    from outdial.domain.report.rehearsed import RehearsedCampaign

    try:
        rehearsed = RehearsedCampaign.model_validate_json(path.read_bytes())
    except OSError as error:
        fail(f"can't read {path}: {error.strerror}")
    except ValidationError:
        fail(f"{path} is not what `outdial rehearse FILE --json` writes")
    if rehearsed.campaign != name:
        fail(f"{path} is a rehearsal of {rehearsed.campaign}, not of {name}")
    return rehearsed


async def _report(
    settings: Settings,
    name: str,
    launch: int | None,
    right: list[str],
    rehearsed: RehearsedCampaign | None,
    csv_dir: Path | None,
    drawn: Drawn,
    *,
    as_json: bool,
) -> int:
    from outdial.cli.campaigns.pages import writing
    from outdial.cli.campaigns.report_tables import print_report
    from outdial.cli.campaigns.staging import Interrupted
    from outdial.cli.live_line import live_line
    from outdial.domain.report.rehearsed import compare_with_rehearsal
    from outdial.services.campaigns.reporting import make_report

    try:
        async with reading_records(settings) as at:
            with live_line() as show:
                made = await make_report(
                    at.context,
                    name,
                    launch=launch,
                    right=right,
                    progress=lambda p: show(f"{p.people:,} of {p.of:,} recipients read"),
                )
    except asyncio.CancelledError:
        raise Interrupted("Interrupted; nothing was changed.") from None
    if rehearsed is not None:
        made = compare_with_rehearsal(made, rehearsed)
    if as_json:
        flush_json(made.model_dump_json())
    else:
        print_report(made)
    if csv_dir is not None:
        with writing():
            _write_tables(made, csv_dir)
        say(f"Tables are in {csv_dir}.", to_stderr=True)
    if drawn:
        from outdial.drawing.report_page import report_page

        drawn.write_page(lambda: report_page(made), made.campaign)
    return OK


def _write_tables(made: CampaignReport, folder: Path) -> None:
    from outdial.domain.report.tables import tables_of

    folder.mkdir(parents=True, exist_ok=True)
    for table in tables_of(made):
        path = folder / f"{table.name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(table.columns)
            writer.writerows([_cell(cell) for cell in row] for row in table.rows)


def _cell(cell: Cell) -> Cell:
    from outdial.domain.spreadsheets import escape_cell

    return escape_cell(cell) if isinstance(cell, str) else cell
