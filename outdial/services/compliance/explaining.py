"""Explain the decision about a recipient: dial, wait or never, with everything it is made from."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session

from outdial.domain.clocks import load_zone
from outdial.domain.decision.conditions import Conditions
from outdial.domain.decision.decision import Decision, Dial, Wait
from outdial.domain.definition.caps import free_at
from outdial.domain.numbers.phone import mask_phone
from outdial.domain.record import CampaignRecord, RecipientRecord, RecipientState
from outdial.domain.rules.rule import Rule
from outdial.resources.resources import Resources
from outdial.services.errors import NoSuchPerson
from outdial.services.operations.reading import require_campaign
from outdial.store.roster.explanation import (
    RecipientExplanation,
    explain_recipients,
    refused_recipients,
)

_CHANGES = {
    "callable": "a free slot: `pacing`, and the limits of its lines",
    "suppressed": "lifting the number from the suppression list",
    "max_attempts": "more attempts: retry.max_attempts, then launching again",
    "next_number": "nothing: a claim drops the number, and decides about the next one",
    "not_started": "an earlier schedule.start",
    "not_before": "nothing: the person or the retry policy said when",
    "blocked": "`outdial unblock`, once the reason is gone",
    "cap": "time alone, or a wider cap; a rule's can be set aside by accept_risk, with a reason",
    "budget": "a higher budget.most, or calls that cost less than is reserved for them",
    "budget_per_day": "the next day, or a higher budget.per_day",
    "budget_per_person": "a higher budget.per_person, then launching again",
    "unpriced": "prices of the line in the settings, in the currency of the budget",
    "daily_ceiling": "time alone, or a higher OUTDIAL_DAILY_CEILING, which is for all campaigns",
    "max_attempts_per_day": "the next day, or more of retry.max_attempts_per_day",
    "outside_hours": "other schedule.hours, days or excluded_dates",
    "outside_legal_hours": "time alone; a rule can be set aside by accept_risk, with a reason",
    "daypart": "other retry.dayparts",
    "window_closes": "a later end of the window, or a shorter schedule.guard",
    "window_never_opens": "a more exact time zone or address, or other hours",
    "campaign_ends_first": "a later schedule.end",
    "consent_missing": "a consent of the person with its proof, in the contact file",
    "consent_expired": "a new consent of the person, in the contact file",
    "consent_later": "time alone",
    "no_rules": "accept_risk with a reason, once somebody has checked that country's rules",
    "timezone_unknown": "a time_zone for the person, or schedule.time_zone for all",
}


async def explain(ctx: Resources, name: str, number: str) -> list[dict[str, Any]]:
    """One explanation for each recipient with this number (E.164), as JSON values.

    One who was refused at enrolment has no zones, and nothing was decided since.
    Raises NoSuchCampaign, NoSuchPerson.
    """
    record = await require_campaign(ctx, name)
    now = ctx.clock()

    def work(s: Session) -> tuple[list[RecipientExplanation], list[RecipientRecord]]:
        return explain_recipients(s, record, number, now), refused_recipients(s, record, number)

    explanations, refused = await ctx.database.read(work)
    if not explanations and not refused:
        raise NoSuchPerson(name, mask_phone(number))
    explained = [_explained(record, explanation, now) for explanation in explanations]
    return explained + [_refused(record, recipient) for recipient in refused]


def could_change(code: str) -> str:
    """What could change a decision, by the code of its reason."""
    return _CHANGES.get(code, "nothing")


def _refused(record: CampaignRecord, recipient: RecipientRecord) -> dict[str, Any]:
    return _whom(record, recipient, (recipient.phone,)) | {
        "decision": {"answer": "done", "reason": recipient.reason},
        "zones": None,
    }


def _whom(
    record: CampaignRecord, recipient: RecipientRecord, numbers: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "campaign": record.name,
        "campaign_state": record.state.value,
        "purpose": record.purpose.value,
        "recipient": recipient.id,
        "state": recipient.state.value,
        "outcome": recipient.outcome,
        "reason": recipient.reason,
        "numbers": [mask_phone(number) for number in numbers],
    }


def _explained(
    record: CampaignRecord, explanation: RecipientExplanation, now: datetime
) -> dict[str, Any]:
    conditions = explanation.conditions
    return _whom(record, explanation.record, explanation.numbers) | {
        "decision": decision_of(explanation, now),
        "zones": {
            "candidates": list(explanation.zones.candidates),
            "source": explanation.zones.source.value,
            "data_version": explanation.zones.data_version,
            "local_times": _local_times(explanation, now),
        },
        "jurisdictions": list(explanation.zones.jurisdictions),
        "rules": [_rule(rule) for rule in conditions.rules],
        "rules_version": conditions.evidence["rules_version"],
        "accepted_risks": conditions.evidence["accepted_risks"],
        "blocks": [block.model_dump(mode="json") for block in conditions.blocks],
        "hours": conditions.evidence["hours"],
        "caps": _caps(conditions, explanation, now),
        "consent": None if explanation.consent is None else explanation.consent.noted,
        "consent_declared": _declared(conditions),
        "suppressed": explanation.suppressed,
        "suppression_history": _history(explanation),
        "attempts": _attempts(explanation),
    }


def _declared(conditions: Conditions) -> str | None:
    """The consent that launching the campaign with its purpose declares for every recipient."""
    levels = [rule.consent for rule in conditions.rules if rule.declared and rule.consent]
    return levels[0].value if levels else None


def _history(explanation: RecipientExplanation) -> list[dict[str, Any]]:
    return [
        {"at": c.at.isoformat(), "change": c.change, "reason": c.reason, "source": c.source}
        for c in explanation.suppression_history
    ]


def _attempts(explanation: RecipientExplanation) -> list[dict[str, Any]]:
    return [
        {
            "at": call.created_at.isoformat(),
            "campaign": call.campaign,
            "number": mask_phone(call.to),
            "outcome": call.outcome,
        }
        for call in explanation.attempts
    ]


def _local_times(explanation: RecipientExplanation, now: datetime) -> dict[str, str]:
    return {
        zone: now.astimezone(load_zone(zone)).isoformat(timespec="seconds")
        for zone in explanation.zones.candidates
    }


def decision_of(explanation: RecipientExplanation, now: datetime) -> dict[str, Any]:
    """What a claim would decide now, as JSON values: `answer` is dial, wait, never or done."""
    if explanation.record.state is RecipientState.DONE:
        return {"answer": "done", "reason": explanation.record.reason}
    zone = next(iter(explanation.zones.candidates), "UTC")
    return _answer(explanation.decision, zone) | {"at": now.isoformat()}


def _answer(decision: Decision, zone: str) -> dict[str, Any]:
    """`zone` is the person's, by which the instants are shown to people."""
    if isinstance(decision, Dial):
        return {
            "answer": "dial",
            "window_closes_at": decision.closes_at.isoformat(),
            "zone": zone,
        }
    reason = decision.reason
    refusal = {
        "reason": reason.text,
        "code": reason.code,
        "could_change_it": could_change(reason.code),
    }
    if isinstance(decision, Wait):
        return {"answer": "wait", "until": decision.until.isoformat(), "zone": zone, **refusal}
    return {"answer": "never", **refusal}


def _rule(rule: Rule) -> dict[str, Any]:
    shown = rule.model_dump(
        mode="json",
        exclude_defaults=True,
        include={
            "id", "jurisdiction", "cite", "evidence", "effective_from", "effective_until",
            "holidays", "consent", "declared", "note",
        },
    )  # fmt: skip
    if rule.windows:
        shown["windows"] = [str(window) for window in rule.windows]
    if rule.caps:
        shown["caps"] = [str(cap) for cap in rule.caps]
    return shown


def _caps(
    conditions: Conditions, explanation: RecipientExplanation, now: datetime
) -> list[dict[str, Any]]:
    caps = []
    for bound in conditions.caps:
        ledger = explanation.ledger
        free = free_at(bound.cap, ledger.towards(bound.cap), now)
        caps.append(
            {
                "cap": str(bound.cap),
                "by": bound.rule.id if bound.rule else "campaign",
                "used": ledger.used(bound.cap, now),
                "free_at": None if free is None else free.isoformat(),
            }
        )
    return caps
