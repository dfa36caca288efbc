"""`outdial rules`, `outdial block` and `outdial unblock`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from outdial.cli.attachment import NothingYet, looked_at
from outdial.cli.exit_codes import OK
from outdial.cli.output import fail, flush_json, out, plural, say
from outdial.cli.running import run, settings_or_fail
from outdial.cli.suppress import NO_DATABASE
from outdial.domain.definition.purpose import Purpose
from outdial.domain.rules.place import UnknownPlace, require_jurisdiction
from outdial.domain.rules.rule import EVERYWHERE, Rule
from outdial.domain.rules.rulebook import Rulebook, countries
from outdial.intake.problems import DefinitionInvalid
from outdial.intake.rules import read_rules
from outdial.runtime.settings.settings import Settings
from outdial.services.compliance import blocking

Place = Annotated[
    str, typer.Argument(help="ISO 3166: a country such as FR, or a part such as US-LA.")
]
OfPurpose = Annotated[
    Purpose | None,
    typer.Option("--purpose", help="Only calls of this purpose.", show_default=False),
]


def rules(
    place: Annotated[
        str | None,
        typer.Argument(help="Only rules for this place, such as US-FL.", show_default=False),
    ] = None,
    apply: Annotated[
        Path | None,
        typer.Option(
            "--apply",
            help="A YAML file with rules of your own, in place of those applied before.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")] = False,
) -> None:
    """Show the calling rules in force, with their citations, or add your own.

    Rules only forbid: yours are added to those that ship.
    """
    settings = settings_or_fail()
    try:
        if apply is not None:
            run(_apply(settings, read_rules(apply)))
        chosen = None if place is None else require_jurisdiction(place)
        run(_rules(settings, chosen, as_json=as_json))
    except UnknownPlace as error:
        fail(str(error))
    except DefinitionInvalid as error:
        fail(*str(error).splitlines())
    except NothingYet as error:
        if apply is not None:
            fail(NO_DATABASE.format(error=error))
        _show(Rulebook(), chosen, as_json=as_json)


def block(
    place: Place,
    until: Annotated[str, typer.Option("--until", help="A date, or an instant with an offset.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; told with every decision.")],
    purpose: OfPurpose = None,
) -> None:
    """Call nobody in a place until a date.

    It holds from now on for all campaigns, without a restart. With a date, until that date has
    begun everywhere on earth.
    """
    try:
        run(_block(settings_or_fail(), place, until, reason, purpose))
    except NothingYet as error:
        fail(NO_DATABASE.format(error=error))


def unblock(place: Place, purpose: OfPurpose = None) -> None:
    """Lift a block before its time."""
    try:
        run(_unblock(settings_or_fail(), place, purpose))
    except NothingYet as error:
        fail(NO_DATABASE.format(error=error))


async def _apply(settings: Settings, found: tuple[Rule, ...]) -> int:
    async with looked_at(settings, engine=True) as at:
        before = await blocking.replace_rules(at.context, found)
    say(f"{plural(len(found), 'rule')} applied, in place of {before}.")
    return OK


async def _rules(settings: Settings, place: str | None, *, as_json: bool) -> int:
    async with looked_at(settings) as at:
        book = await blocking.rulebook(at.context)
    _show(book, place, as_json=as_json)
    return OK


def _show(book: Rulebook, place: str | None, *, as_json: bool) -> None:
    places = None if place is None else {place, EVERYWHERE, *countries([place])}
    chosen = [rule for rule in book.rules if places is None or rule.jurisdiction in places]
    if as_json:
        rows = [rule.model_dump(mode="json", exclude_defaults=True) for rule in chosen]
        flush_json(json.dumps(rows, ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("rule", "purpose", "in force", "evidence", "citation"):
        table.add_column(heading)
    for rule in chosen:
        first, last = rule.effective_from, rule.effective_until
        force = " ".join([f"from {first}" if first else "", f"until {last}" if last else ""])
        purposes = ", ".join(rule.purposes)
        table.add_row(rule.id, purposes, force.strip() or "always", rule.evidence, rule.cite)
    out.print(table)
    for found in book.blocks:
        if places is None or found.jurisdiction in places:
            say(
                f"{found.jurisdiction} is blocked until {found.until:%Y-%m-%d %H:%M}Z: "
                f"{found.reason}"
            )


async def _block(
    settings: Settings, place: str, until: str, reason: str, purpose: Purpose | None
) -> int:
    async with looked_at(settings, engine=True) as at:
        done = await blocking.block(at.context, place, until, reason, purpose)
    whom = "" if purpose is None else f" for {purpose} calls"
    say(f"{done.jurisdiction} is blocked{whom} until {done.until:%Y-%m-%d %H:%M}Z.")
    return OK


async def _unblock(settings: Settings, place: str, purpose: Purpose | None) -> int:
    async with looked_at(settings, engine=True) as at:
        lifted = await blocking.unblock(at.context, place, purpose)
    say(f"{place.upper()} is open again." if lifted else f"{place.upper()} was not blocked.")
    return OK
