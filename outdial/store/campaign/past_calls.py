"""The calls of a launch that have ended, a page of recipients with their calls at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from outdial.domain.call.past_call import PastCall, PastPerson
from outdial.domain.call.status import TERMINAL, AnsweredBy, CallStatus, FailureClass
from outdial.store.db.lookups import Lookup
from outdial.store.db.tables import call, recipient
from outdial.store.records import read_zones
from outdial.store.roster.positions import read_positions

_PEOPLE = select(recipient.c.id, recipient.c.position, recipient.c.zones)
_CALLS = Lookup(
    select(
        call.c.recipient_id,
        call.c.number,
        call.c.status,
        call.c.answered_by,
        call.c.failure,
        call.c.disposition,
        call.c.created_at,
        call.c.placed_at,
        call.c.ringing_at,
        call.c.answered_at,
        call.c.ended_at,
        call.c.redial_at,
        call.c.duration_seconds,
    ),
    call.c.recipient_id,
    "ids",
)
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class PastPage:
    """Some recipients of a launch, in the order of their positions."""

    people: Sequence[PastPerson]
    last: int | None
    """The position of the last of them; None: there are no more."""


def read_past_calls(
    s: Session, campaign_id: int, launch: int, *, after: int | None, limit: int
) -> PastPage:
    """The recipients behind a position with their calls that have ended, at most `limit`; those
    without a time zone, who were refused, are left out."""
    rows = read_positions(s, _PEOPLE, campaign_id, launch, after=after, limit=limit)
    calls = _ended_calls(s, [row.id for row in rows])
    people = [
        PastPerson(zone, calls[row.id])
        for row in rows
        if row.id in calls and (zone := _zone(row.zones)) is not None
    ]
    return PastPage(people, rows[-1].position if len(rows) == limit else None)


def _zone(zones: str | None) -> str | None:
    """The first of those that the person may be in."""
    candidates = () if zones is None else read_zones(zones).candidates
    return candidates[0] if candidates else None


def _ended_calls(s: Session, people: Sequence[int]) -> dict[int, list[PastCall]]:
    calls: dict[int, list[PastCall]] = defaultdict(list)
    for row in sorted(_CALLS.execute(s, {"ids": people}), key=lambda row: row.number):
        if CallStatus(row.status) in TERMINAL:
            calls[row.recipient_id].append(_past_call(row))
    return calls


def _past_call(row: Any) -> PastCall:
    redial = _between(row.ended_at, row.redial_at)
    return PastCall(
        at=row.placed_at or row.created_at,
        status=CallStatus(row.status),
        answered_by=None if row.answered_by is None else AnsweredBy(row.answered_by),
        failure=None if row.failure is None else FailureClass(row.failure),
        disposition=row.disposition,
        dial_seconds=_between(row.placed_at, row.ringing_at),
        ring_seconds=_between(row.ringing_at, row.answered_at),
        talk_seconds=row.duration_seconds,
        redial_hours=None if redial is None else redial / _HOUR,
    )


def _between(earlier: datetime | None, later: datetime | None) -> float | None:
    """Seconds, where both instants were reported."""
    if earlier is None or later is None:
        return None
    return (later - earlier).total_seconds()
