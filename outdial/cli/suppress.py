"""`outdial suppress` and `outdial lift`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from outdial.cli.attachment import NothingYet, looked_at
from outdial.cli.exit_codes import OK
from outdial.cli.output import fail, plural, say
from outdial.cli.running import run, settings_or_fail
from outdial.domain.numbers.phone import mask_phone
from outdial.intake.contacts.numbers import read_numbers
from outdial.intake.problems import DefinitionInvalid, problem_lines
from outdial.runtime.settings.settings import Settings
from outdial.services.compliance import suppressing
from outdial.services.compliance.suppressing import parse_number
from outdial.services.errors import RequestRefused

Everywhere = Annotated[
    bool, typer.Option("--every-tenant", help="On the list that holds for all tenants.")
]
NO_DATABASE = "{error}; `outdial migrate` prepares a database"


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
        typer.Option("--region", help="Country of numbers without one, such as GB."),
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", help="Why; kept with the number.")
    ] = "listed by the operator",
    every_tenant: Everywhere = False,
) -> None:
    """Never call these numbers again.

    Queued and ringing calls to them are stopped, in all campaigns. A talk that has begun goes on.
    """
    settings = settings_or_fail()
    unread: list[str] = []
    try:
        wanted = [parse_number(number, region) for number in numbers or ()]
        source = "command line"
        if file is not None:
            listed = read_numbers(file, column=column, region=region)
            wanted += listed.numbers
            unread = problem_lines(listed.problems, listed.omitted)
            source = file.name
        if not wanted:
            fail(*(unread or ["found no number; write some, or --file with a CSV file"]))
        run(_suppress(settings, wanted, reason, source, unread, every_tenant=every_tenant))
    except RequestRefused as error:
        fail(str(error))
    except DefinitionInvalid as error:
        fail(*str(error).splitlines())
    except NothingYet as error:
        fail(NO_DATABASE.format(error=error))


def lift(
    number: Annotated[str, typer.Argument(help="A number with its country code.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in its history.")],
    every_tenant: Everywhere = False,
) -> None:
    """Allow a number again.

    Its history stays. People who ended because of it stay ended.
    """
    settings = settings_or_fail()
    try:
        run(_lift(settings, parse_number(number), reason, every_tenant=every_tenant))
    except RequestRefused as error:
        fail(str(error))
    except NothingYet as error:
        fail(NO_DATABASE.format(error=error))


async def _suppress(
    settings: Settings,
    numbers: list[str],
    reason: str,
    source: str,
    unread: list[str],
    *,
    every_tenant: bool,
) -> int:
    async with looked_at(settings, engine=True) as at:
        found = await suppressing.suppress(
            at.context, numbers, reason, source=source, every_tenant=every_tenant
        )
    text = f"{plural(found.added, 'number')} listed"
    if found.already_listed:
        text += f", {found.already_listed} known before"
    if found.hung_up:
        text += f"; {plural(found.hung_up, 'call')} stopped"
    say(text + ".")
    if found.untold and at.live:
        say(f"{plural(found.untold, 'call')} could not be told now; none of them is dialed.")
    if unread:
        fail(*unread, "The other numbers are listed; these are not.")
    return OK


async def _lift(settings: Settings, number: str, reason: str, *, every_tenant: bool) -> int:
    async with looked_at(settings) as at:
        lifted = await suppressing.lift(
            at.context, number, reason, source="command line", every_tenant=every_tenant
        )
    masked = mask_phone(number)
    say(f"{masked} may be called again." if lifted else f"{masked} was not on the list.")
    return OK
