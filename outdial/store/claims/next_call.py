"""When the next of those who wait can be called, as far as that can be said now.

`due_at` is when a recipient is decided about again: a retry's delay may end at night. Who is due
first is decided about as of then, and where none of them could be called, a few more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, bindparam, select, union_all
from sqlmodel import Session

from outdial.domain.decision.decision import Dial, Never
from outdial.domain.decision.next_number import decide_person
from outdial.domain.record import CampaignRecord
from outdial.domain.rules.rulebook import Rulebook
from outdial.store.claims.candidates import CALLABLE, Recipient, read_ledgers, recipient_of
from outdial.store.db.tables import recipient

FEW = 20
"""Recipients of each turn that are decided about where the first of them can't be called when they
are due."""


@dataclass(frozen=True, slots=True)
class NextCall:
    """The next call that a campaign can make, if nothing else happens before."""

    at: datetime
    zone: str
    """Of a person who is called then."""
    people: int
    """How many of those who were decided about can be called then."""
    more: bool
    """Others wait who were not decided about."""


@dataclass(frozen=True, slots=True)
class FirstDue:
    """When the first of those who wait are decided about, and the next call."""

    at: datetime
    call: NextCall | None
    """None: nobody who was decided about can ever be called."""


@dataclass(frozen=True, slots=True)
class _Due:
    due_at: datetime
    who: Recipient


def due_first(waiting: Sequence[ColumnElement[bool]]) -> CompoundSelect[Any]:
    """The first recipients that are due, `few` of each turn, in the order of their turns."""
    parts = (
        CALLABLE.where(*waiting, recipient.c.turn == turn)
        .add_columns(recipient.c.due_at)
        .order_by(recipient.c.due_at, recipient.c.id)
        .limit(bindparam("few"))
        .subquery()
        for turn in (0, 1)
    )
    together = union_all(*(select(part) for part in parts))
    return together.order_by("due_at", "id")


def find_next_call(
    s: Session,
    campaign: CampaignRecord,
    rulebook: Rulebook,
    first: CompoundSelect[Any],
    now: datetime,
    steps: Sequence[int] = (1, FEW),
    **values: Any,
) -> FirstDue | None:
    """When the recipients are due that `first`, made by `due_first`, selects with `values`, and
    when they can be called; None: nobody waits. `steps` are how many of each turn are read, until
    somebody can be called when they are due."""
    for few in steps:
        due = _read(s, campaign, first, few, values)
        calls = _calls(s, campaign, rulebook, due, now)
        if not due or (calls and min(calls)[0] <= max(due[0].due_at, now)):
            break  # nobody is due before
    if not due:
        return None
    if not calls:
        return FirstDue(due[0].due_at, None)
    at = min(calls)[0]
    together = sorted(zone for when, zone in calls if when == at)
    by_turn = Counter(each.who.turn for each in due)
    call = NextCall(at, together[0], len(together), more=few in by_turn.values())
    return FirstDue(due[0].due_at, call)


def _read(
    s: Session,
    campaign: CampaignRecord,
    first: CompoundSelect[Any],
    few: int,
    values: dict[str, Any],
) -> list[_Due]:
    parameters = {
        "tenant": campaign.tenant,
        "campaign_id": campaign.id,
        "launch": campaign.launch,
        "few": few,
    }
    rows = s.connection().execute(first, parameters | values).mappings()
    return [_Due(row["due_at"], recipient_of(row, campaign)) for row in rows]


def _calls(
    s: Session,
    campaign: CampaignRecord,
    rulebook: Rulebook,
    due: list[_Due],
    now: datetime,
) -> list[tuple[datetime, str]]:
    """When each of them can be called, and in which zone they are."""
    people = [each.who for each in due]
    ledgers = read_ledgers(s, campaign, people, rulebook, now)
    calls = []
    for each in due:
        who, at = each.who, max(each.due_at, now)
        person, others, plan, ledger = who.candidate, who.others, who.plan, ledgers[who.id]
        decision = decide_person(person, others, plan, ledger, at, rulebook, evidence=False)
        if not isinstance(decision, Never):
            at = at if isinstance(decision, Dial) else decision.until
            calls.append((at, who.zones.candidates[0]))
    return calls
