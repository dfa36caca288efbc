"""`outdial explain` and `outdial audit`."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from outdial.cli.attachment import reading_records
from outdial.cli.campaign_name import CampaignName
from outdial.cli.exit_codes import FAILED, OK
from outdial.cli.output import flush_json, plural, say
from outdial.cli.running import run, settings_or_fail

if TYPE_CHECKING:
    from outdial.runtime.settings.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]


def explain(
    name: CampaignName,
    phone: Annotated[
        str | None,
        typer.Argument(
            help="A number with its country code; default: the whole campaign.", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Explain why a recipient is called now, later, or never; without a number, what a campaign
    waits for.

    Of a recipient: the time zones and jurisdictions with their source, the rules in force with
    citations, earlier attempts, and what could change the decision. Of a campaign: the limits that
    admit no call now, and what its recipients wait for, by count.
    """
    settings = settings_or_fail()
    if phone is None:
        run(_explain_campaign(settings, name, as_json=as_json))
    else:
        run(_explain(settings, name, phone, as_json=as_json))


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


async def _explain_campaign(settings: Settings, name: str, *, as_json: bool) -> int:
    from outdial.cli.compliance.waiting import campaign_lines
    from outdial.services.compliance import waiting

    async with reading_records(settings) as at:
        explanation = await waiting.explain_campaign(at.context, name)
        live = at.live
    if as_json:
        flush_json(json.dumps(explanation.model_dump(mode="json"), ensure_ascii=False))
        return OK
    for line in campaign_lines(explanation, live=live):
        say(line)
    return OK


async def _explain(settings: Settings, name: str, phone: str, *, as_json: bool) -> int:
    from outdial.services.compliance import explaining
    from outdial.services.compliance.numbers import parse_number

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
    zone = next(iter(zones["candidates"]), "UTC")
    lines.append(f"  zones, by {zones['source'].replace('_', ' ')} ({zones['data_version']}):")
    lines += [f"    {zone}: {local}" for zone, local in zones["local_times"].items()]
    where = ", ".join(shown["jurisdictions"]) or "unknown"
    lines.append(
        f"  places: {where}; purpose: {shown['purpose']}; hours: {', '.join(shown['hours'])}"
    )
    lines.append(f"  rules in force ({shown['rules_version']}):")
    lines += [f"    {_rule(rule, shown['purpose'])}" for rule in shown["rules"]] or [
        "    none for this purpose"
    ]
    for risk in shown["accepted_risks"]:
        lines.append(f"  set aside: {risk['rule']}: {risk['reason']}")
    for block in shown["blocks"]:
        lines.append(f"  blocked: {block['jurisdiction']} until {_local(block['until'], zone)}")
    for cap in shown["caps"]:
        at = cap["free_at"]
        free = "never again" if at is None else f"free from {_local(at, zone)}"
        lines.append(f"  cap, {cap['by']}: {cap['cap']}; {cap['used']} used, {free}")
    lines.append(f"  consent: {_consent(shown)}")
    for change in shown["suppression_history"]:
        lines.append(
            f"  {change['change']} {_local(change['at'], zone)}: {change['reason']} "
            f"({change['source']})"
        )
    lines.append(f"  attempts: {plural(len(shown['attempts']), 'call')} that may have rung")
    for made in shown["attempts"]:
        at = _local(made["at"], zone)
        lines.append(f"    {at} {made['campaign']} {made['number']} {made['outcome']}")
    return lines


def _answer(decision: dict[str, Any]) -> list[str]:
    answer = decision["answer"]
    if answer == "dial":
        closes = _local(decision["window_closes_at"], decision["zone"])
        return [f"  may be called now; the window closes {closes}"]
    if answer == "done":
        return [f"  is done: {decision['reason']}"]
    when = "is never called"
    if answer == "wait":
        when = f"waits until {_local(decision['until'], decision['zone'])}"
    return [
        f"  {when}: {decision['reason']}",
        f"  what could change it: {decision['could_change_it']}",
    ]


def _local(text: str, zone: str) -> str:
    from outdial.domain.dated_time import dated_time

    return dated_time(datetime.fromisoformat(text), (zone,))


def _consent(shown: dict[str, Any]) -> str:
    consent, declared = shown["consent"], shown["consent_declared"]
    if consent:
        return json.dumps(consent)
    if not declared:
        return "none in the contact file"
    return (
        f"{declared}, declared by launching the campaign as {shown['purpose']}; "
        "none in the contact file"
    )


def _rule(rule: dict[str, Any], purpose: str) -> str:
    says = [*rule.get("windows", ()), *rule.get("caps", ())]
    if rule.get("holidays"):
        says.append(f"not on holidays of {', '.join(rule['holidays'])}")
    if rule.get("consent"):
        declared = f", which launching as {purpose} declares" if rule.get("declared") else ""
        says.append(f"{rule['consent']} consent{declared}")
    return f"{rule['id']}: {'; '.join(says)} ({rule['cite']}; evidence {rule['evidence']})"


async def _audit(settings: Settings, name: str, kept: str | None, *, as_json: bool) -> int:
    from outdial.services.compliance import auditing

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
