"""`outdial explain` and `outdial audit`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from outdial.cli.attachment import reading_records
from outdial.cli.campaign_name import CampaignName
from outdial.cli.exit_codes import FAILED, OK
from outdial.cli.output import flush_json, plural, say
from outdial.cli.running import run, settings_or_fail
from outdial.runtime.settings.settings import Settings
from outdial.services.compliance import auditing, explaining
from outdial.services.compliance.numbers import parse_number

Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]


def explain(
    name: CampaignName,
    phone: Annotated[
        str, typer.Argument(help="A number with its country code.", show_default=False)
    ],
    as_json: Json = False,
) -> None:
    """Explain why a recipient is called now, later, or never.

    Shows the recipient's time zones and jurisdictions with their source, the rules in force with
    citations, earlier attempts, and what could change the decision.
    """
    run(_explain(settings_or_fail(), name, phone, as_json=as_json))


def audit(
    name: CampaignName,
    kept: Annotated[
        str | None,
        typer.Option("--kept", help="A head printed earlier, to compare with.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify the receipts of a campaign's calls, and print their head.

    Each receipt is hashed with the previous one, so a head kept elsewhere reveals any later change.

    Exit code: 0 the receipts are intact, 1 they are not.
    """
    run(_audit(settings_or_fail(), name, kept, as_json=as_json))


async def _explain(settings: Settings, name: str, phone: str, *, as_json: bool) -> int:
    number = parse_number(phone)
    async with reading_records(settings) as at:
        explanations = await explaining.explain(at.context, name, number)
    if as_json:
        flush_json(json.dumps(explanations, ensure_ascii=False))
        return OK
    for explanation in explanations:
        for line in _lines(explanation):
            say(line)
    return OK


def _lines(shown: dict[str, Any]) -> list[str]:
    lines = [f"{', '.join(shown['numbers'])} in {shown['campaign']} ({shown['campaign_state']})"]
    lines += _answer(shown["decision"])
    zones = shown["zones"]
    if zones is None:
        return lines
    lines.append(f"  zones, by {zones['source'].replace('_', ' ')} ({zones['data_version']}):")
    lines += [f"    {zone}: {local}" for zone, local in zones["local_times"].items()]
    where = ", ".join(shown["jurisdictions"]) or "unknown"
    lines.append(
        f"  places: {where}; purpose: {shown['purpose']}; hours: {', '.join(shown['hours'])}"
    )
    lines.append(f"  rules in force ({shown['rules_version']}):")
    lines += [f"    {_rule(rule)}" for rule in shown["rules"]] or ["    none for this purpose"]
    for risk in shown["accepted_risks"]:
        lines.append(f"  set aside: {risk['rule']}: {risk['reason']}")
    for block in shown["blocks"]:
        lines.append(f"  blocked: {block['jurisdiction']} until {block['until']}")
    for cap in shown["caps"]:
        free = "never again" if cap["free_at"] is None else f"free from {cap['free_at']}"
        lines.append(f"  cap, {cap['by']}: {cap['cap']}; {cap['used']} used, {free}")
    consent = shown["consent"]
    lines.append(f"  consent: {json.dumps(consent) if consent else 'none in the contact file'}")
    for change in shown["suppression_history"]:
        lines.append(
            f"  {change['change']} {change['at']}: {change['reason']} ({change['source']})"
        )
    lines.append(f"  attempts: {plural(len(shown['attempts']), 'call')} that may have rung")
    for made in shown["attempts"]:
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
    async with reading_records(settings) as at:
        audited = await auditing.audit(at.context, name, kept=kept)
    problems = [f"receipt {fault.sequence}: {fault.problem}" for fault in audited.faults]
    problems += [f"call {mismatch.call_id}: {mismatch.problem}" for mismatch in audited.mismatches]
    if as_json:
        report = {"receipts": audited.receipts, "head": audited.head, "problems": problems}
        flush_json(json.dumps(report, ensure_ascii=False))
    else:
        say(f"{name}: {plural(audited.receipts, 'receipt')}, head {audited.head}")
        for problem in problems:
            say(problem)
        if audited.sound:
            say("Nothing was changed or removed.")
    return OK if audited.sound else FAILED
