"""Recipients as a claim sees them, and what a decision about them changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, Select, bindparam, func, select, update
from sqlmodel import Session

from domain.plan import CallPlan
from domain.planner import Candidate, Decision, Dial, Ledger, Never, Wait, decide
from domain.record import CampaignRecord, RecipientState
from domain.zone import ZoneEvidence
from store.records import read_plan, read_zones
from store.tables import call, recipient, suppression

LEDGER_SPAN = timedelta(hours=50)
"""Attempts further back are on no calendar day that is today in any zone on earth."""


@dataclass(frozen=True, slots=True)
class Person:
    """A recipient who may be called."""

    id: int
    phone: str
    line: str
    attempts: int
    calls: int
    outcome: str | None
    not_before: datetime | None
    closes_at: datetime | None
    turn: int
    suppressed: str | None
    requester_workflow_id: str | None
    zones: ZoneEvidence
    plan: CallPlan

    def candidate(self) -> Candidate:
        return Candidate(
            zones=self.zones.candidates,
            attempts=self.attempts,
            not_before=self.not_before,
            suppressed=self.suppressed,
        )


@dataclass(frozen=True, slots=True)
class EndedRecipient:
    """Somebody whom a decision has ended: nobody may call them."""

    recipient_id: int
    requester_workflow_id: str | None
    because: str


PEOPLE = (
    select(
        recipient.c.id,
        recipient.c.phone,
        recipient.c.line,
        recipient.c.attempts,
        recipient.c.calls,
        recipient.c.outcome,
        recipient.c.not_before,
        recipient.c.window_closes_at,
        recipient.c.turn,
        recipient.c.requester_workflow_id,
        recipient.c.zones,
        recipient.c.plan,
        select(suppression.c.reason)
        .where(
            suppression.c.tenant == bindparam("tenant"), suppression.c.phone == recipient.c.phone
        )
        .scalar_subquery()
        .label("suppressed"),
    )
    .where(
        recipient.c.campaign_id == bindparam("campaign_id"),
        recipient.c.launch == bindparam("launch"),
    )
    .limit(bindparam("size"))
)
"""Recipients of a launch, `size` of them; to be narrowed down and ordered. A statement is built
once: building one takes longer than running it."""


def find_people(
    s: Session, campaign: CampaignRecord, found: Select[Any], size: int, **values: Any
) -> list[Person]:
    """People found by a statement made of PEOPLE."""
    of_launch = {"tenant": campaign.tenant, "campaign_id": campaign.id, "launch": campaign.launch}
    rows = s.connection().execute(found, of_launch | values | {"size": size})
    return [_person(row, campaign) for row in rows.mappings()]


def _person(row: RowMapping, campaign: CampaignRecord) -> Person:
    return Person(
        id=row["id"],
        phone=row["phone"],
        line=row["line"],
        attempts=row["attempts"],
        calls=row["calls"],
        outcome=row["outcome"],
        not_before=row["not_before"],
        closes_at=row["window_closes_at"],
        turn=row["turn"],
        suppressed=row["suppressed"],
        requester_workflow_id=row["requester_workflow_id"],
        zones=read_zones(row["zones"]),
        plan=campaign.plan if row["plan"] is None else read_plan(row["plan"]),
    )


def decide_all(
    s: Session, campaign: CampaignRecord, persons: Sequence[Person], now: datetime
) -> list[tuple[Person, Decision]]:
    ledgers = read_ledgers(s, campaign.tenant, persons, now)
    return [
        (person, decide(person.candidate(), person.plan, ledgers[person.phone], now))
        for person in persons
    ]


def read_ledgers(
    s: Session, tenant: str, persons: Iterable[Person], now: datetime
) -> dict[str, Ledger]:
    """Attempts to each number, by any campaign; read only where a daily limit asks for them."""
    limited = {p.phone for p in persons if p.plan.retry.max_attempts_per_day is not None}
    return _ledgers(s, tenant, limited, now)


def read_ledger(s: Session, tenant: str, phone: str, plan: CallPlan, now: datetime) -> Ledger:
    limited = {phone} if plan.retry.max_attempts_per_day is not None else set()
    return _ledgers(s, tenant, limited, now)[phone]


def _ledgers(s: Session, tenant: str, phones: set[str], now: datetime) -> dict[str, Ledger]:
    attempts: dict[str, list[datetime]] = defaultdict(list)
    if phones:
        dialed_at = func.coalesce(call.c.fenced_at, call.c.created_at)
        found = select(call.c.phone, dialed_at).where(
            call.c.tenant == tenant,
            call.c.phone.in_(sorted(phones)),
            call.c.created_at > now - LEDGER_SPAN,
            call.c.is_attempt,
        )
        for phone, at in s.connection().execute(found):
            attempts[phone].append(at)
    ledgers: dict[str, Ledger] = defaultdict(Ledger)
    ledgers.update({phone: Ledger(tuple(sorted(found))) for phone, found in attempts.items()})
    return ledgers


def write_decisions(s: Session, decided: Iterable[tuple[Person, Decision]]) -> list[EndedRecipient]:
    """Move recipients to where their decisions put them; who was decided alike, together."""
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    ended: list[EndedRecipient] = []
    for person, decision in decided:
        alike[tuple(sorted(_after(person, decision).items()))].append(person.id)
        if isinstance(decision, Never):
            because = decision.because.text
            ended.append(EndedRecipient(person.id, person.requester_workflow_id, because))
    for values, ids in alike.items():
        s.connection().execute(
            update(recipient).where(recipient.c.id.in_(ids)).values(dict(values))
        )
    return ended


def _after(person: Person, decision: Decision) -> dict[str, Any]:
    if isinstance(decision, Dial):
        return {
            "state": RecipientState.READY.value,
            "window_closes_at": decision.closes_at,
        }
    if isinstance(decision, Wait):
        return {
            "state": RecipientState.WAITING.value,
            "due_at": decision.until,
            "because": decision.because.text,
        }
    code = decision.because.code
    kept = person.outcome is not None and code != "suppressed"
    return {
        "state": RecipientState.DONE.value,
        "outcome": person.outcome if kept else code,
        "because": decision.because.text,
    }
