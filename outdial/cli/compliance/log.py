"""`outdial log`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from outdial.cli.attachment import reading_records
from outdial.cli.exit_codes import FAILED, OK
from outdial.cli.output import flush_json, new_table, plural, print_table, say, say_if_more
from outdial.cli.running import run, settings_or_fail

if TYPE_CHECKING:
    from outdial.domain.operator import LogEntry
    from outdial.runtime.settings.settings import Settings


def log(
    name: Annotated[
        str | None,
        typer.Argument(help="Only what was done to this campaign.", show_default=False),
    ] = None,
    about: Annotated[
        str | None,
        typer.Option(
            "--about",
            help="Only what was done to this, such as key/1f3c, place/US-LA or suppressions.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="The most to show.")] = 50,
    verify: Annotated[
        bool, typer.Option("--verify", help="Verify the whole log, and print its head.")
    ] = False,
    kept: Annotated[
        str | None,
        typer.Option(
            "--kept",
            help="A head of an earlier --verify: shows whether anything before it was changed.",
            show_default=False,
        ),
    ] = None,
    tenant: Annotated[
        str | None,
        typer.Option(
            "--tenant", help="The tenant; default: the installation's own.", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")] = False,
) -> None:
    """List what operators did, newest first: who, when, through which door, and why.

    Entries are never changed, and each is hashed with the one before: --verify shows whether any
    was changed or removed.
    """
    settings = settings_or_fail()
    if verify or kept is not None:
        run(_verify(settings, tenant, kept, as_json=as_json))
    else:
        subject = about if name is None else f"campaign/{name}"
        run(_list(settings, tenant, subject, limit, as_json=as_json))


async def _list(
    settings: Settings, tenant: str | None, subject: str | None, limit: int, *, as_json: bool
) -> int:
    from outdial.services.compliance.operator_log import list_log

    async with reading_records(settings) as at:
        ctx = replace(at.context, tenant=tenant or at.context.tenant)
        entries = await list_log(ctx, limit=limit + 1, subject=subject)
    shown = entries[:limit]
    if as_json:
        rows = [entry.model_dump(mode="json") for entry in shown]
        flush_json(json.dumps(rows, ensure_ascii=False))
    else:
        table = new_table("when", "who", "through", "did", "to", "reason", "details")
        for entry in shown:
            table.add_row(
                f"{entry.at:%Y-%m-%d %H:%M:%S}Z", entry.author or "unknown", entry.door,
                entry.action.replace("_", " "), entry.subject, entry.reason or "", _details(entry),
            )  # fmt: skip
        print_table(table)
    say_if_more(entries, limit, to_stderr=as_json)
    return OK


def _details(entry: LogEntry) -> str:
    return ", ".join(f"{name}: {_text(value)}" for name, value in entry.details.items())


def _text(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


async def _verify(
    settings: Settings, tenant: str | None, kept: str | None, *, as_json: bool
) -> int:
    from outdial.services.compliance.operator_log import audit_log

    async with reading_records(settings) as at:
        ctx = replace(at.context, tenant=tenant or at.context.tenant)
        audited = await audit_log(ctx, kept=kept)
    problems = [f"entry {fault.sequence}: {fault.problem}" for fault in audited.faults]
    if as_json:
        report = {"entries": audited.entries, "head": audited.head, "problems": problems}
        flush_json(json.dumps(report, ensure_ascii=False))
    else:
        say(f"{plural(audited.entries, 'entry', 'entries')}, head {audited.head}")
        for problem in problems:
            say(problem)
        if audited.sound:
            say("Nothing was changed or removed.")
    return OK if audited.sound else FAILED
