"""What is taken from a provider's report: everything in it is a claim of somebody outside.

A value that no call can have is left out, so that it can neither be computed with nor refused by
the database, and the rest of the report still counts.
"""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime, timedelta
from typing import Any

from outdial.domain.call.event import CallEvent
from outdial.domain.instants import FURTHEST_AHEAD, reported

LONGEST_ID = 200
"""Characters of an event's id; PostgreSQL indexes no text of some thousands."""
LONGEST_PROVIDER_ID = 500
LONGEST_DETAIL = 200
LONGEST_TALK = timedelta(days=2).total_seconds()
MOST_COST = 1e6
_ROUGHLY = timedelta(days=1)
"""Zones differ by as much, and analyses come as late."""


def believable(event: CallEvent, received: datetime) -> CallEvent:
    """The event without what can't be true, as of the instant at which it was received."""
    changes: dict[str, Any] = {}
    at = reported(event.at, received)
    if at != event.at or event.at.tzinfo is None:
        changes["at"] = at
    if len(event.event_id) > LONGEST_ID:
        digest = hashlib.sha256(event.event_id.encode("utf-8", "replace")).hexdigest()
        changes["event_id"] = f"sha256:{digest}"
    if len(event.provider_call_id or "") > LONGEST_PROVIDER_ID:
        changes["provider_call_id"] = None
    if len(event.detail or "") > LONGEST_DETAIL:
        changes["detail"] = (event.detail or "")[: LONGEST_DETAIL - 1] + "…"
    if not _within(event.duration_seconds, LONGEST_TALK):
        changes["duration_seconds"] = None
    if not _within(event.cost, MOST_COST):
        changes["cost"] = None
    if event.redial_at is not None and not _ahead(event.redial_at, at):
        changes["redial_at"] = None
    return event.model_copy(update=changes) if changes else event


def _within(value: float | None, most: float) -> bool:
    return value is None or (math.isfinite(value) and 0 <= value <= most)


def _ahead(named: datetime, at: datetime) -> bool:
    """Whether a time may be a promise; exactly that is decided by the end of the call."""
    instant = named if named.tzinfo is not None else named.replace(tzinfo=UTC)
    return at - _ROUGHLY <= instant <= at + FURTHEST_AHEAD + _ROUGHLY
