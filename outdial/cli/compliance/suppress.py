"""`outdial suppress` and `outdial lift`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from outdial.cli.attachment import MIGRATE_FIRST, changing_records, reading_records
from outdial.cli.exit_codes import OK
from outdial.cli.output import fail, plural, say
from outdial.cli.running import run, settings_or_fail

if TYPE_CHECKING:
    from outdial.runtime.settings.settings import Settings

EveryTenant = Annotated[
    bool, typer.Option("--every-tenant", help="On the list that holds for all tenants.")
]


def suppress(
    numbers: Annotated[
        list[str] | None,
        typer.Argument(help="Numbers with their country codes.", show_default=False),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="A CSV file with numbers.", show_default=False)
    ] = None,
    column: Annotated[str, typer.Option("--column", help="The file's column.")] = "phone",
    region: Annotated[
        str | None,
        typer.Option("--region", help="Country of numbers without a country code, such as GB."),
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", help="Why; kept with the number.")
    ] = "listed by the operator",
    every_tenant: EveryTenant = False,
) -> None:
    """Add numbers to the suppression list: they are never called again.

    Queued and ringing calls to them are ended, in all campaigns. A call that has been answered
    continues.
    """
    work = _suppress(
        settings_or_fail(),
        numbers or [],
        file,
        reason,
        column=column,
        region=region,
        every_tenant=every_tenant,
    )
    run(work)


def lift(
    number: Annotated[str, typer.Argument(help="A number with its country code.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the number's history.")],
    every_tenant: EveryTenant = False,
) -> None:
    """Remove a number from the suppression list.

    Its history is kept. Recipients who were ended because of the suppression stay ended.
    """
    run(_lift(settings_or_fail(), number, reason, every_tenant=every_tenant))


async def _suppress(
    settings: Settings,
    arguments: list[str],
    file: Path | None,
    reason: str,
    *,
    column: str,
    region: str | None,
    every_tenant: bool,
) -> int:
    from outdial.intake.contacts.numbers import read_numbers
    from outdial.intake.problems import problem_lines
    from outdial.services.compliance import suppressing
    from outdial.services.compliance.numbers import parse_number

    numbers = [parse_number(number, region) for number in arguments]
    unread: list[str] = []
    if file is not None:
        listed = read_numbers(file, column=column, region=region)
        numbers += listed.numbers
        unread = problem_lines(listed.problems, listed.omitted)
    if not numbers:
        fail(*(unread or ["found no number; write some, or --file with a CSV file"]))
    source = "command line" if file is None else file.name
    async with changing_records(settings, hint=MIGRATE_FIRST, records_first=True) as at:
        suppressed = await suppressing.suppress(
            at.context, numbers, reason, source=source, every_tenant=every_tenant
        )
    text = f"{plural(suppressed.added, 'number')} added"
    if suppressed.already_listed:
        text += f", {suppressed.already_listed} on the list before"
    if suppressed.hung_up:
        text += f"; {plural(suppressed.hung_up, 'call')} ended"
    say(text + ".")
    if suppressed.not_signalled and at.live:
        calls = plural(suppressed.not_signalled, "call")
        say(
            f"{calls} could not be ended now: Temporal did not take the signal. What is not dialed "
            "yet is not dialed; what rings is ended by the next sweep of a worker."
        )
    if unread:
        fail(*unread, "The other numbers were added; these were not.")
    return OK


async def _lift(settings: Settings, text: str, reason: str, *, every_tenant: bool) -> int:
    from outdial.domain.numbers.phone import mask_phone
    from outdial.services.compliance import suppressing
    from outdial.services.compliance.numbers import parse_number

    number = parse_number(text)
    async with reading_records(settings, hint=MIGRATE_FIRST) as at:
        lifted = await suppressing.lift(
            at.context, number, reason, source="command line", every_tenant=every_tenant
        )
    masked = mask_phone(number)
    say(f"{masked} may be called again." if lifted else f"{masked} was not on the list.")
    return OK
