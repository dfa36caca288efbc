"""Recipients as a claim sees them, and what a decision about them changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import CompoundSelect, RowMapping, Select, bindparam, select, update
from sqlmodel import Session

from outdial.domain.call.plan import CallPlan, read_plan
from outdial.domain.decision.decision import Candidate, Decision, Dial, Ledger, Never, Wait
from outdial.domain.decision.planner import decide, looks_back
from outdial.domain.line.routing import Marks
from outdial.domain.numbers.phone import subscriber
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.domain.rules.rulebook import Rulebook
from outdial.domain.rules.zone import ZoneEvidence
from outdial.store.claims import ledger
from outdial.store.claims.ledger import Asked
from outdial.store.compliance.suppressions import reason_of
from outdial.store.db.bulk import among
from outdial.store.db.tables import recipient
from outdial.store.records import read_candidate, read_zones_anew

NOT_CALLED = (RecipientState.WAITING.value, RecipientState.READY.value)
"""States in which a claim may decide about a recipient. What is reported late of an earlier call
(`store.call.late_evidence`) decides about them, too, and does not wait for the cursor."""


@dataclass(frozen=True, slots=True)
class Person:
    """A recipient who may be called."""

    id: int
    phone: str
    others: tuple[str, ...]
    """The person's other numbers, in the order of their turns."""
    line: str
    """Names the group that is read together: the first of the campaign's lines, whatever it was
    when the person was enrolled or called last; for a plan of one's own, the line of that."""
    calls: int
    outcome: str | None
    closes_at: datetime | None
    """Known of those who were found ready earlier."""
    turn: int
    requester_workflow_id: str | None
    zones: ZoneEvidence
    candidate: Candidate
    plan: CallPlan

    @property
    def marks(self) -> Marks:
        """How lines failed them."""
        return self.candidate.marks

    @property
    def numbers(self) -> tuple[str, ...]:
        return (self.phone, *self.others)

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(share.name for share in self.plan.shares)

    @property
    def subscribers(self) -> tuple[str, ...]:
        """The same, each number in the one form that stands for all its forms."""
        return tuple(map(subscriber, self.numbers))


@dataclass(frozen=True, slots=True)
class Decided:
    """A person, what was decided, and by which ledger."""

    person: Person
    decision: Decision
    ledger: Ledger | None = None
    """By which it was decided, if by one."""

    @property
    def closes_at(self) -> datetime | None:
        """When the window of who may be called closes."""
        return self.decision.closes_at if isinstance(self.decision, Dial) else None


@dataclass(frozen=True, slots=True)
class EndedRecipient:
    """Somebody whom a decision has ended: nobody may call them."""

    recipient_id: int
    requester_workflow_id: str | None
    reason: str


PEOPLE = (
    select(
        recipient.c.id,
        recipient.c.phone,
        recipient.c.alternate_phones,
        recipient.c.line,
        recipient.c.attempts,
        recipient.c.calls,
        recipient.c.outcome,
        recipient.c.not_before,
        recipient.c.window_closes_at,
        recipient.c.turn,
        recipient.c.requester_workflow_id,
        recipient.c.zones,
        recipient.c.consent,
        recipient.c.promised,
        recipient.c.plan,
        recipient.c.line_marks,
        reason_of(bindparam("tenant"), recipient.c.phone).label("suppressed"),
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
    s: Session,
    campaign: CampaignRecord,
    found: Select[Any] | CompoundSelect[Any],
    size: int,
    **values: Any,
) -> list[Person]:
    """People found by a statement made of PEOPLE."""
    of_launch = {"tenant": campaign.tenant, "campaign_id": campaign.id, "launch": campaign.launch}
    rows = s.connection().execute(found, of_launch | values | {"size": size})
    return [_person(row, campaign) for row in rows.mappings()]


def _person(row: RowMapping, campaign: CampaignRecord) -> Person:
    others = tuple(row["alternate_phones"])
    zones = read_zones_anew(row["zones"], row["phone"], others)
    return Person(
        id=row["id"],
        phone=row["phone"],
        others=others,
        line=row["line"] if campaign.standing else campaign.plan.line,
        calls=row["calls"],
        outcome=row["outcome"],
        closes_at=row["window_closes_at"],
        turn=row["turn"],
        requester_workflow_id=row["requester_workflow_id"],
        zones=zones,
        candidate=read_candidate(row, zones),
        plan=campaign.plan if row["plan"] is None else read_plan(row["plan"]),
    )


_NONE: Mapping[int, Ledger] = {}


def decide_all(
    s: Session,
    campaign: CampaignRecord,
    persons: Sequence[Person],
    rulebook: Rulebook,
    now: datetime,
) -> list[Decided]:
    ledgers = read_ledgers(s, campaign.tenant, persons, rulebook, now)
    decided = []
    for person in persons:
        found = ledgers[person.id]
        decision = decide(person.candidate, person.plan, found, now, rulebook)
        decided.append(Decided(person, decision, found))
    return decided


def read_ledgers(
    s: Session,
    tenant: str,
    persons: Sequence[Person],
    rulebook: Rulebook,
    now: datetime,
    earlier: Mapping[int, Ledger] = _NONE,
) -> dict[int, Ledger]:
    """What was tried before, by recipient; read only as far as limits ask for it.

    Whose ledger was read earlier in this transaction keeps the daily ceiling of that one: only the
    fence decides by it for good.
    """
    asked = [
        Asked(
            p.phone,
            p.others,
            looks_back(p.candidate, p.plan, rulebook),
            () if p.id in earlier else p.lines,
        )
        for p in persons
    ]
    found = {
        person.id: one
        for person, one in zip(persons, ledger.read_ledgers(s, tenant, asked, now), strict=True)
    }
    for of_person, before in earlier.items():
        if of_person in found and before.ceiling is not None:
            found[of_person] = replace(found[of_person], ceiling=before.ceiling)
    return found


_OF_NUMBER = frozenset({"suppressed", "rejected"})
"""Reasons that say nothing about the person's other numbers."""


def write_decisions(s: Session, decided: Iterable[Decided]) -> list[EndedRecipient]:
    """Move recipients to where their decisions put them; who was decided alike, together."""
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    ended: list[EndedRecipient] = []
    for each in decided:
        person, decision = each.person, each.decision
        if isinstance(decision, Never) and decision.reason.code in _OF_NUMBER and person.others:
            _dial_the_next(s, person)
            continue
        alike[tuple(sorted(_after(person, decision).items()))].append(person.id)
        if isinstance(decision, Never):
            reason = decision.reason.text
            ended.append(EndedRecipient(person.id, person.requester_workflow_id, reason))
    moved: set[int] = set()
    for values, ids in alike.items():
        moving = (
            update(recipient)
            .where(among(recipient.c.id, "ids"), recipient.c.state.in_(NOT_CALLED))
            .values(dict(values))
        )
        if ended:
            moved |= set(
                s.connection().execute(moving.returning(recipient.c.id), {"ids": ids}).scalars()
            )
        else:
            s.connection().execute(moving, {"ids": ids})
    return [each for each in ended if each.recipient_id in moved]


def _dial_the_next(s: Session, person: Person) -> None:
    """The number is left out from here on; whether the next one may be called is looked at soon."""
    phone, *others = person.others
    values = {"phone": phone, "alternate_phones": others, "line_marks": {}}
    s.connection().execute(
        update(recipient)
        .where(recipient.c.id == person.id, recipient.c.state.in_(NOT_CALLED))
        .values(values | {"state": RecipientState.WAITING.value})
    )


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
            "reason": decision.reason.text,
        }
    code = decision.reason.code
    kept = person.outcome is not None and code != "suppressed"
    return {
        "state": RecipientState.DONE.value,
        "outcome": person.outcome if kept else code,
        "reason": decision.reason.text,
    }
