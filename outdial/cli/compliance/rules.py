"""`outdial rules`, `outdial block` and `outdial unblock`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from outdial.cli.attachment import (
    MIGRATE_FIRST,
    Attachment,
    NothingYet,
    changing_records,
    reading_records,
)
from outdial.cli.exit_codes import OK
from outdial.cli.output import flush_json, new_table, plural, print_table, say
from outdial.cli.running import run, settings_or_fail
from outdial.domain.definition.purpose import Purpose

if TYPE_CHECKING:
    from outdial.domain.rules.rule import Rule
    from outdial.domain.rules.rulebook import Block
    from outdial.runtime.settings.settings import Settings

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
            help="A YAML file with rules of your own; replaces those applied before.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")] = False,
) -> None:
    """Show the calling rules in force, with citations, or add your own.

    Rules only forbid: yours are added to those that ship.
    """
    settings = settings_or_fail()
    if apply is not None:
        run(_apply(settings, apply))
    else:
        run(_rules(settings, place, as_json=as_json))


def block(
    place: Place,
    until: Annotated[str, typer.Option("--until", help="A date, or an instant with a UTC offset.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; shown with every decision.")],
    purpose: OfPurpose = None,
) -> None:
    """Place no calls to a country or state until a date.

    Takes effect at once for all campaigns, without a restart. A block with a date ends when that
    date has begun in every time zone.
    """
    run(_block(settings_or_fail(), place, until, reason, purpose))


def unblock(place: Place, purpose: OfPurpose = None) -> None:
    """Lift a block before its end."""
    run(_unblock(settings_or_fail(), place, purpose))


async def _apply(settings: Settings, file: Path) -> int:
    from outdial.intake.rules import read_rules
    from outdial.services.compliance import blocking

    own = read_rules(file)
    async with changing_records(settings, hint=MIGRATE_FIRST, records_first=True) as at:
        changed = await blocking.replace_rules(at.context, own)
    say(f"{plural(len(own), 'rule')} applied, in place of {changed.result}.")
    _say_not_signalled(changed.not_signalled, at)
    return OK


async def _rules(settings: Settings, place: str | None, *, as_json: bool) -> int:
    from outdial.domain.rules.rulebook import Rulebook
    from outdial.services.compliance import blocking

    try:
        async with reading_records(settings) as at:
            book = await blocking.rulebook(at.context)
    except NothingYet:
        book = Rulebook()
    in_force, blocks = blocking.of_place(book, place)
    _show(in_force, blocks, as_json=as_json)
    return OK


def _show(in_force: Sequence[Rule], blocks: Sequence[Block], *, as_json: bool) -> None:
    if as_json:
        rows = [rule.model_dump(mode="json", exclude_defaults=True) for rule in in_force]
        flush_json(json.dumps(rows, ensure_ascii=False))
        return
    table = new_table("rule", "purpose", "in force", "evidence", "citation")
    for rule in in_force:
        first, last = rule.effective_from, rule.effective_until
        force = " ".join([f"from {first}" if first else "", f"until {last}" if last else ""])
        purposes = ", ".join(rule.purposes)
        table.add_row(rule.id, purposes, force.strip() or "always", rule.evidence, rule.cite)
    print_table(table)
    for ban in blocks:
        say(f"{ban.jurisdiction} is blocked until {ban.until:%Y-%m-%d %H:%M}Z: {ban.reason}")


async def _block(
    settings: Settings, place: str, until: str, reason: str, purpose: Purpose | None
) -> int:
    from outdial.services.compliance import blocking

    async with changing_records(settings, hint=MIGRATE_FIRST, records_first=True) as at:
        changed = await blocking.block(at.context, place, until, reason, purpose)
    blocked = changed.result
    whom = "" if purpose is None else f" for {purpose} calls"
    say(f"{blocked.jurisdiction} is blocked{whom} until {blocked.until:%Y-%m-%d %H:%M}Z.")
    _say_not_signalled(changed.not_signalled, at)
    return OK


async def _unblock(settings: Settings, place: str, purpose: Purpose | None) -> int:
    from outdial.services.compliance import blocking

    async with changing_records(settings, hint=MIGRATE_FIRST, records_first=True) as at:
        changed = await blocking.unblock(at.context, place, purpose)
    say(
        f"The block of {place.upper()} is lifted."
        if changed.result
        else f"{place.upper()} was not blocked."
    )
    _say_not_signalled(changed.not_signalled, at)
    return OK


def _say_not_signalled(campaigns: int, at: Attachment) -> None:
    if campaigns and at.live:
        say(
            f"{plural(campaigns, 'campaign')} could not be signalled: Temporal did not take the "
            "signal. The change is in force for every call; waiting recipients are re-evaluated "
            "with the next claim."
        )
