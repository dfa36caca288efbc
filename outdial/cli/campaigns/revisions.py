"""`outdial history` and `diff`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from outdial.cli.attachment import reading_records
from outdial.cli.campaign_name import CampaignName
from outdial.cli.exit_codes import OK
from outdial.cli.output import flush_json, new_table, print_table, say
from outdial.cli.running import run, settings_or_fail

if TYPE_CHECKING:
    from outdial.domain.record import RevisionRecord
    from outdial.runtime.settings.settings import Settings

JsonOption = Annotated[bool, typer.Option("--json", help="Write the result as JSON.")]


def history(
    name: CampaignName,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, the newest first.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the revisions of a campaign: who made each, when and why."""
    run(_history(settings_or_fail(), name, limit, as_json=as_json))


def diff(
    name: CampaignName,
    before: Annotated[int, typer.Argument(min=1, help="A revision.", show_default=False)],
    after: Annotated[int, typer.Argument(min=1, help="Another one.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Show what differs between two revisions of a campaign."""
    run(_diff(settings_or_fail(), name, before, after, as_json=as_json))


async def _history(settings: Settings, name: str, limit: int, *, as_json: bool) -> int:
    from outdial.services.campaigns.revisions import list_revisions

    async with reading_records(settings) as at:
        records = await list_revisions(at.context, name, limit=limit)
    if as_json:
        flush_json(json.dumps([record.model_dump(mode="json") for record in records]))
        return OK
    table = new_table("revision", "launch", "at", "by", "recipients", "reason")
    for record in records:
        table.add_row(
            str(record.revision),
            str(record.launch),
            f"{record.created_at:%Y-%m-%d %H:%M:%S}Z",
            record.author or "",
            _roster(record),
            _reason(record),
        )
    print_table(table)
    return OK


async def _diff(settings: Settings, name: str, before: int, after: int, *, as_json: bool) -> int:
    from outdial.cli.campaigns.differences import difference_lines
    from outdial.services.campaigns.revisions import diff_revisions

    async with reading_records(settings) as at:
        differences = await diff_revisions(at.context, name, before, after)
    if as_json:
        flush_json(json.dumps([asdict(each) for each in differences]))
        return OK
    if not differences:
        say(f"Revisions {before} and {after} of {name} do not differ.")
    for line in difference_lines(differences):
        say(line.strip())
    return OK


def _roster(record: RevisionRecord) -> str:
    parts = [f"+{record.added}"] if record.added else []
    parts += [f"-{record.removed}"] if record.removed else []
    return " ".join(parts)


def _reason(record: RevisionRecord) -> str:
    from outdial.domain.canary.record import CANARY_AUTHOR

    kind = ""
    if record.canary_share is not None:
        kind = f"canary, {record.canary_share * 100:g}%"
    elif record.restores is not None and record.author != CANARY_AUTHOR:
        kind = f"back to {record.restores}"
    return ": ".join(part for part in (kind, record.reason) if part)
