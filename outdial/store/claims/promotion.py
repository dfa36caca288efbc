"""Looking at people who are due: ready, waiting for later, or ended.

Whose window has closed while they were ready is looked at again first; then those who are due,
whoever was promised a time before those who were not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import bindparam, literal, select, union_all
from sqlmodel import Session

from outdial.domain.decision.decision import Dial
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.domain.rules.rulebook import Rulebook
from outdial.store.claims.candidates import (
    PEOPLE,
    Decided,
    EndedRecipient,
    decide_all,
    find_people,
    write_decisions,
)
from outdial.store.db.tables import is_ready, recipient

LARGEST_STEP = 100
SMALLEST_STEP = 25
"""So that the order of windows holds among more people than there are free slots."""

_CLOSED = PEOPLE.where(
    is_ready,
    recipient.c.window_closes_at <= bindparam("now"),
).order_by(recipient.c.window_closes_at)
_DUE = PEOPLE.where(
    recipient.c.state == RecipientState.WAITING.value, recipient.c.due_at <= bindparam("now")
).order_by(recipient.c.due_at, recipient.c.id)
_GROUPS = (
    (_CLOSED, recipient.c.window_closes_at),
    (_DUE.where(recipient.c.turn == 0), recipient.c.due_at),
    (_DUE.where(recipient.c.turn == 1), recipient.c.due_at),
)
_PARTS = [
    found.add_columns(literal(place).label("place"), since.label("since")).subquery()
    for place, (found, since) in enumerate(_GROUPS)
]
_NEXT = (
    union_all(*(select(part) for part in _PARTS))
    .order_by("place", "since", "id")
    .limit(bindparam("size"))
)
"""Each part gives no more than `size`, by its index; of all of them the first are taken."""


@dataclass(slots=True)
class Look:
    """What a claim found when it looked at people."""

    decisions: int = 0
    promoted: int = 0
    everybody: bool = False
    """Nobody who is due is left to look at."""
    ended: list[EndedRecipient] = field(default_factory=list)
    fresh: list[Decided] = field(default_factory=list)
    """Those found ready last. They are not written down as ready: most are called at once."""


def look_at_due(
    s: Session,
    campaign: CampaignRecord,
    rulebook: Rulebook,
    *,
    wanted: int,
    at_most: int,
    now: datetime,
) -> Look:
    """Decide step by step until `wanted` are ready anew, nobody is due, or `at_most` is reached."""
    look = Look()
    step = min(LARGEST_STEP, max(SMALLEST_STEP, 2 * wanted))
    while look.promoted < wanted and look.decisions < at_most:
        size = min(step, at_most - look.decisions)
        write_decisions(s, look.fresh)  # or they were found again
        persons = find_people(s, campaign, _NEXT, size, now=now)
        decided = decide_all(s, campaign, persons, rulebook, now)
        look.fresh = [each for each in decided if isinstance(each.decision, Dial)]
        others = [each for each in decided if not isinstance(each.decision, Dial)]
        look.ended += write_decisions(s, others)
        look.decisions += len(persons)
        look.promoted += len(look.fresh)
        if len(persons) < size:
            look.everybody = True
            break
    return look
