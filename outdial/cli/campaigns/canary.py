"""`outdial canary`, and how a canary is shown."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from outdial.cli.attachment import reading_records
from outdial.cli.campaign_name import CampaignName
from outdial.cli.exit_codes import OK
from outdial.cli.output import flush_json, new_table, print_table, say
from outdial.cli.running import run, settings_or_fail

if TYPE_CHECKING:
    from outdial.domain.canary.evidence import ArmTotals, GuardMetric
    from outdial.domain.canary.record import CanaryRecord
    from outdial.runtime.settings.settings import Settings


def canary(
    name: CampaignName,
    as_json: Annotated[bool, typer.Option("--json", help="Write the result as JSON.")] = False,
) -> None:
    """Show a campaign's last canary beside the rest: figures, evidence, how it ended.

    Evidence counts against the canary: it is 1 or less on average while the canary is no worse, and
    at the limit the canary is taken back.
    """
    run(_canary(settings_or_fail(), name, as_json=as_json))


async def _canary(settings: Settings, name: str, *, as_json: bool) -> int:
    from outdial.domain.canary.evidence import NEEDED, GuardMetric
    from outdial.domain.canary.verdict import bound_in_words
    from outdial.services.campaigns.canaries import read_canary

    async with reading_records(settings) as at:
        record = await read_canary(at.context, name)
    if as_json:
        flush_json(json.dumps(canary_document(record)))
        return OK
    say(f"Revision {record.revision} of {name}, for {share_in_words(record)}: {_state(record)}.")
    evidence = record.evidence
    table = new_table("", "canary", "rest", f"evidence of {NEEDED:.0f}")
    table.add_row("people", f"{evidence.canary.people:,}", f"{evidence.rest.people:,}", "")
    for metric in GuardMetric:
        figures = (_figure(metric, each) for each in (evidence.canary, evidence.rest))
        table.add_row(metric.replace("_", " "), *figures, f"{evidence.e_value(metric):,.2f}")
    print_table(table)
    say(f"It is promoted after {record.needed} people; {bound_in_words()}.")
    return OK


def begun_in_words(record: CanaryRecord) -> str:
    return (
        f"Revision {record.revision} is tried on {share_in_words(record)} first; it is promoted "
        f"after {record.needed} of them, or taken back by itself."
    )


def share_in_words(record: CanaryRecord) -> str:
    return f"{record.share * 100:g}% of the recipients"


def canary_document(record: CanaryRecord) -> dict[str, Any]:
    """As `--json` writes it."""
    from outdial.domain.canary.evidence import NEEDED, GuardMetric

    evidence = record.evidence
    return record.model_dump(mode="json", exclude={"evidence", "id"}) | {
        "evidence_needed": NEEDED,
        "evidence": {metric.value: evidence.e_value(metric) for metric in GuardMetric},
        "canary": asdict(evidence.canary),
        "rest": asdict(evidence.rest),
    }


def _state(record: CanaryRecord) -> str:
    from outdial.domain.canary.verdict import CanaryState

    if record.state is CanaryState.RUNNING:
        return "it goes on"
    return record.reason or record.state.value.replace("_", " ")


def _figure(metric: GuardMetric, of: ArmTotals) -> str:
    from outdial.domain.canary.evidence import GuardMetric

    if not of.people:
        return ""
    if metric is GuardMetric.COST_PER_OUTCOME:
        return f"{of.cost / of.succeeded:.2f}" if of.succeeded and of.cost else ""
    counts = {
        GuardMetric.ANSWER_RATE: of.answered,
        GuardMetric.OPT_OUTS: of.opted_out,
        GuardMetric.FAILURES: of.failed,
    }
    return f"{counts[metric] / of.people:.1%}"
