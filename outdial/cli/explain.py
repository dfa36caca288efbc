"""`outdial explain` and `outdial audit`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from outdial.cli.attachment import NothingYet, looked_at
from outdial.cli.exit_codes import FAILED, OK
from outdial.cli.output import fail, flush_json, plural, say
from outdial.cli.running import run, settings_or_fail
from outdial.runtime.settings.settings import Settings
from outdial.services.compliance import auditing, explaining
from outdial.services.compliance.suppressing import parse_number
from outdial.services.errors import RequestRefused

Name = Annotated[str, typer.Argument(help="The campaign's name.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]


def explain(
    name: Name,
    phone: Annotated[
        str, typer.Argument(help="A number with its country code.", show_default=False)
    ],
    as_json: Json = False,
) -> None:
    """Say why a person is called now, later, or never.

    Where they may be and what says so, the rules in force with citations, what was tried before,
    and what could change the answer.
    """
    try:
        run(_explain(settings_or_fail(), name, parse_number(phone), as_json=as_json))
    except (NothingYet, RequestRefused) as error:
        fail(str(error))


def audit(
    name: Name,
    kept: Annotated[
        str | None,
        typer.Option("--kept", help="A head that was printed earlier.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check the receipts of a campaign's dials, and print their head.

    Each is hashed with the one before it, so the head, kept elsewhere, shows any later change.

    Exit code: 0 all is as it was written, 1 something is not.
    """
    try:
        run(_audit(settings_or_fail(), name, kept, as_json=as_json))
    except NothingYet as error:
        fail(str(error))


async def _explain(settings: Settings, name: str, number: str, *, as_json: bool) -> int:
    async with looked_at(settings) as at:
        found = await explaining.explain(at.context, name, number)
    if as_json:
        flush_json(json.dumps(found, ensure_ascii=False))
        return OK
    for one in found:
        for line in _lines(one):
            say(line)
    return OK


def _lines(one: dict[str, Any]) -> list[str]:
    lines = [f"{', '.join(one['numbers'])} in {one['campaign']} ({one['campaign_state']})"]
    lines += _answer(one["decision"])
    zones = one["zones"]
    if zones is None:
        return lines
    lines.append(f"  zones, by {zones['source'].replace('_', ' ')} ({zones['data_version']}):")
    lines += [f"    {zone}: {local}" for zone, local in zones["local_times"].items()]
    where = ", ".join(one["jurisdictions"]) or "unknown"
    lines.append(f"  places: {where}; purpose: {one['purpose']}; hours: {', '.join(one['hours'])}")
    lines.append(f"  rules in force ({one['rules_version']}):")
    lines += [f"    {_rule(rule)}" for rule in one["rules"]] or ["    none for this purpose"]
    for risk in one["accepted_risks"]:
        lines.append(f"  set aside: {risk['rule']}: {risk['reason']}")
    for block in one["blocks"]:
        lines.append(f"  blocked: {block['jurisdiction']} until {block['until']}")
    for cap in one["caps"]:
        free = "never again" if cap["free_at"] is None else f"free from {cap['free_at']}"
        lines.append(f"  cap, {cap['by']}: {cap['cap']}; {cap['used']} used, {free}")
    consent = one["consent"]
    lines.append(f"  consent: {json.dumps(consent) if consent else 'none in the contact file'}")
    for change in one["suppression_history"]:
        lines.append(
            f"  {change['change']} {change['at']}: {change['reason']} ({change['source']})"
        )
    lines.append(f"  attempts: {plural(len(one['attempts']), 'call')} that may have rung")
    for made in one["attempts"]:
        lines.append(f"    {made['at']} {made['campaign']} {made['number']} {made['outcome']}")
    return lines


def _answer(decision: dict[str, Any]) -> list[str]:
    answer = decision["answer"]
    if answer == "dial":
        return [f"  may be called now; the window closes {decision['window_closes_at']}"]
    if answer == "done":
        return [f"  is done: {decision['reason']}"]
    when = f"waits until {decision['until']}" if answer == "wait" else "is never called"
    return [
        f"  {when}: {decision['reason']}",
        f"  what could change it: {decision['could_change_it']}",
    ]


def _rule(rule: dict[str, Any]) -> str:
    says = [*rule.get("windows", ()), *rule.get("caps", ())]
    if rule.get("holidays"):
        says.append(f"not on holidays of {', '.join(rule['holidays'])}")
    if rule.get("consent"):
        says.append(f"{rule['consent']} consent")
    return f"{rule['id']}: {'; '.join(says)} ({rule['cite']}; evidence {rule['evidence']})"


async def _audit(settings: Settings, name: str, kept: str | None, *, as_json: bool) -> int:
    async with looked_at(settings) as at:
        found = await auditing.audit(at.context, name, kept=kept)
    problems = [f"receipt {fault.sequence}: {fault.problem}" for fault in found.faults]
    problems += [f"call {one.call_id}: {one.problem}" for one in found.mismatches]
    if as_json:
        told = {"receipts": found.receipts, "head": found.head, "problems": problems}
        flush_json(json.dumps(told, ensure_ascii=False))
    else:
        say(f"{name}: {plural(found.receipts, 'receipt')}, head {found.head}")
        for problem in problems:
            say(problem)
        if found.sound:
            say("Nothing was changed or removed.")
    return OK if found.sound else FAILED
