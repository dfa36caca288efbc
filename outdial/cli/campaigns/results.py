"""`outdial results`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from outdial.cli.attachment import reading_records
from outdial.cli.campaign_name import CampaignName
from outdial.cli.exit_codes import OK
from outdial.cli.output import flush_json, new_table, print_table, say, say_if_more
from outdial.cli.running import run, settings_or_fail
from outdial.domain.codes import words

if TYPE_CHECKING:
    from outdial.resources.resources import Resources
    from outdial.runtime.settings.settings import Settings
    from outdial.services.campaigns.results import Result


def results(
    name: CampaignName,
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="Show at most so many recipients.")
    ] = 1000,
    as_csv: Annotated[
        bool,
        typer.Option("--csv", help="Write all of them to standard output as CSV."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")] = False,
) -> None:
    """List what became of each recipient of a campaign.

    Those of its latest launch, in the order of the contact file. Telephone numbers are masked,
    except with --csv, which writes a file that can be used as a contact file.
    """
    if as_csv and as_json:
        raise typer.BadParameter("write --csv or --json, not both")
    settings = settings_or_fail()
    if as_csv:
        run(_write_csv(settings, name))
    run(_results(settings, name, limit, as_json=as_json))


async def _write_csv(settings: Settings, name: str) -> int:
    from outdial.services.campaigns.results import results_csv

    async with reading_records(settings) as at:
        async for line in results_csv(at.context, name):
            sys.stdout.write(line)
    return OK


async def _results(settings: Settings, name: str, limit: int, *, as_json: bool) -> int:
    from outdial.services.campaigns.results import first_results

    async with reading_records(settings) as at:
        matching = await first_results(at.context, name, limit + 1)
        listed = matching[:limit]
        if as_json:
            flush_json(json.dumps([_shown(result) for result in listed], ensure_ascii=False))
        elif listed:
            _print_table(at.context, listed)
        else:
            say(f"{name} has no recipients yet.")
    say_if_more(matching, limit, to_stderr=as_json)
    return OK


def _print_table(ctx: Resources, listed: list[Result]) -> None:
    from outdial.domain.dated_time import dated_time
    from outdial.domain.numbers.phone import mask_phone
    from outdial.domain.record import RecipientState

    table = new_table(
        "number", "state", "outcome", "attempts", "last call", "not before", "reason",
        right=frozenset({"attempts"}),
    )  # fmt: skip
    now = ctx.clock()
    for result in listed:
        recipient, last = result.recipient, result.last
        ended = None if last is None else last.ended_at
        waits = recipient.state in (RecipientState.WAITING, RecipientState.READY)
        due = recipient.not_before if waits else None
        table.add_row(
            mask_phone(recipient.phone),
            words(recipient.state.value),
            words(recipient.outcome or ""),
            str(recipient.attempts),
            dated_time(ended, recipient.zones) if ended else "",
            dated_time(due, recipient.zones) if due and due > now else "",
            recipient.reason or "",
        )
    print_table(table)


def _shown(result: Result) -> dict[str, Any]:
    from outdial.domain.numbers.phone import mask_phone

    values = {
        key: value.isoformat() if hasattr(value, "isoformat") else value
        for key, value in result.values.items()
    }
    return values | {
        "phone": mask_phone(result.recipient.phone),
        "variables": result.recipient.variables,
        "structured": result.last.structured if result.last else {},
    }
