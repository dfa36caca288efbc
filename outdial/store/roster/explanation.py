"""Why a recipient is called or not: its records, and what a claim would decide now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Text, bindparam, select, type_coerce
from sqlmodel import Session

from outdial.domain.decision.conditions import Conditions, conditions_of
from outdial.domain.decision.decision import Decision, Dial, Ledger, Wait
from outdial.domain.decision.next_number import decide_person
from outdial.domain.decision.planner import daypart_of
from outdial.domain.decision.reasons import Reason
from outdial.domain.numbers.phone import siblings
from outdial.domain.record import CallRecord, CampaignRecord, RecipientRecord
from outdial.domain.rules.consent import Consent
from outdial.domain.rules.rulebook import Rulebook
from outdial.domain.rules.zone import ZoneEvidence
from outdial.store.budget.claiming import budgets_of_people, read_budget
from outdial.store.claims.candidates import (
    CALLABLE,
    NOT_CALLED,
    Recipient,
    find_recipients,
)
from outdial.store.claims.ledger import LedgerQuery, read_ledgers
from outdial.store.compliance.rulings import read_rulebook
from outdial.store.compliance.suppressions import SuppressionChange, history
from outdial.store.db.bulk import among
from outdial.store.db.tables import call, recipient
from outdial.store.records import call_record, recipient_record

_MOST = 20
_LOCATED = CALLABLE.where(recipient.c.zones.is_not(None))
_BY_PHONE = _LOCATED.where(recipient.c.phone == bindparam("number")).order_by(recipient.c.id)
_BY_OTHER_PHONE = _LOCATED.where(
    type_coerce(recipient.c.alternate_phones, Text).contains(bindparam("number"))
)

_BY_POSITION = _LOCATED.where(among(recipient.c.position, "positions")).order_by(recipient.c.id)


@dataclass(frozen=True, slots=True)
class RecipientExplanation:
    """One recipient, with everything a decision about it is made from."""

    record: RecipientRecord
    numbers: tuple[str, ...]
    zones: ZoneEvidence
    consent: Consent | None
    suppressed: str | None
    suppression_history: tuple[SuppressionChange, ...]
    attempts: tuple[CallRecord, ...]
    """Calls of all campaigns to any of the numbers that may have rung, the newest first."""
    ledger: Ledger
    conditions: Conditions
    decision: Decision


def explain_recipients(
    s: Session, campaign: CampaignRecord, number: str, now: datetime
) -> list[RecipientExplanation]:
    """The recipients of the current launch with this number (E.164) and known time zones."""
    recipients: list[Recipient] = []
    for text in siblings(number):
        recipients = recipients or find_recipients(s, campaign, _BY_PHONE, _MOST, number=text)
    if not recipients:
        # Numbers are kept as JSON: what looks like this one is checked.
        for text in siblings(number):
            alike = find_recipients(s, campaign, _BY_OTHER_PHONE, _MOST, number=f'"{text}"')
            recipients += [each for each in alike if text in each.others]
    return _explain_all(s, campaign, recipients, now)


def explain_these(
    s: Session, campaign: CampaignRecord, positions: Sequence[int], now: datetime
) -> list[RecipientExplanation]:
    """The recipients of the current launch at some positions, with known time zones."""
    size = len(positions)
    these = find_recipients(s, campaign, _BY_POSITION, size, positions=list(positions))
    return _explain_all(s, campaign, these, now)


def _explain_all(
    s: Session, campaign: CampaignRecord, recipients: Sequence[Recipient], now: datetime
) -> list[RecipientExplanation]:
    rulebook = read_rulebook(s, campaign.tenant, now)
    return [_explain(s, campaign, each, rulebook, now) for each in recipients]


def refused_recipients(s: Session, campaign: CampaignRecord, number: str) -> list[RecipientRecord]:
    """Recipients with this number (E.164) whose time zones are unknown: enrolment refused them."""
    refused = (
        select(recipient)
        .where(
            recipient.c.campaign_id == campaign.id,
            recipient.c.launch == campaign.launch,
            recipient.c.phone.in_(siblings(number)),
            recipient.c.zones.is_(None),
        )
        .limit(_MOST)
    )
    return [recipient_record(row) for row in s.connection().execute(refused).mappings()]


def _explain(
    s: Session, campaign: CampaignRecord, of: Recipient, rulebook: Rulebook, now: datetime
) -> RecipientExplanation:
    candidate, plan = of.candidate, of.plan
    row = s.connection().execute(select(recipient).where(recipient.c.id == of.id)).mappings()
    record = recipient_record(row.one())
    (ledger,) = read_ledgers(
        s, campaign.tenant, [LedgerQuery(of.phone, of.others, None, of.lines)], now
    )
    waits = record.state.value in NOT_CALLED
    if waits:  # else what is reserved for the call under way would count against it
        budgets = budgets_of_people(s, campaign, {of.id: of.calls})
        ledger = replace(ledger, budget=budgets.get(of.id))
    daypart = daypart_of(candidate, plan)
    zones = candidate.zones, candidate.jurisdictions
    others = of.others if waits else ()
    decision = decide_person(candidate, others, plan, ledger, now, rulebook)
    return RecipientExplanation(
        record=record,
        numbers=of.numbers,
        zones=of.zones,
        consent=candidate.consent,
        suppressed=candidate.suppressed,
        suppression_history=tuple(history(s, campaign.tenant, of.phone)),
        attempts=tuple(_attempts(s, campaign.tenant, of.numbers)),
        ledger=ledger,
        conditions=conditions_of(plan, rulebook, *zones, daypart),
        decision=_within_budget(s, campaign, decision, now) if waits else decision,
    )


def _within_budget(
    s: Session, campaign: CampaignRecord, decision: Decision, now: datetime
) -> Decision:
    """A call that may be made waits for money where the campaign has none left."""
    budget = read_budget(s, campaign, now) if isinstance(decision, Dial) else None
    if budget is None:
        return decision
    allowance = budget.allowance()
    if allowance.calls > 0:
        return decision
    return Wait(allowance.again_at or now, Reason(allowance.code, allowance.reason))


def _attempts(s: Session, tenant: str, numbers: tuple[str, ...]) -> list[CallRecord]:
    statement = (
        select(call)
        .where(call.c.tenant == tenant, call.c.phone.in_(numbers), call.c.is_attempt)
        .order_by(call.c.created_at.desc())
        .limit(_MOST)
    )
    return [call_record(row) for row in s.connection().execute(statement).mappings()]
