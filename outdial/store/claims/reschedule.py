"""Puts off recipients that are due outside their hours, a thousand in a step, without a decision
about each: those with the same zones can't be called before the same instant.

At the end of calling hours this is all that happens to those who were not called, and after a
launch at night to the whole roster. A decision about each takes a hundred times as long.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlmodel import Session

from outdial.domain.call.batches import RESCHEDULED
from outdial.domain.call.plan import CallPlan
from outdial.domain.decision.decision import Wait
from outdial.domain.decision.earliest import EarliestWaits
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.domain.rules.rulebook import Rulebook, shipped_rulebook
from outdial.domain.rules.zone import zone_data
from outdial.store.db.bulk import among
from outdial.store.db.tables import EPOCH, own_plan, recipient
from outdial.store.records import read_zones

MOST_REMEMBERED = 20_000
"""Zones as JSON text, of about a kilobyte each."""

_WAITING = recipient.c.state == RecipientState.WAITING.value
_FIRST_DUE = (
    select(recipient.c.id, recipient.c.zones)
    .where(
        recipient.c.campaign_id == bindparam("campaign_id"),
        recipient.c.launch == bindparam("launch"),
        _WAITING,
        recipient.c.turn == 1,
        recipient.c.due_at <= bindparam("now"),
        own_plan.is_(None),
    )
    .order_by(recipient.c.due_at, recipient.c.id)
    .limit(bindparam("size"))
)
"""First calls under the campaign's own plan, as far as one step reads."""
_PUT_OFF = (
    update(recipient)
    .where(among(recipient.c.id, "ids"), _WAITING)
    .values(due_at=bindparam("until"), reason=bindparam("why"))
)


def reschedule(
    s: Session,
    campaign: CampaignRecord,
    rulebook: Rulebook,
    now: datetime,
    size: int = RESCHEDULED,
) -> int:
    """Put off the first recipients that are due, as far as nobody with their zones may be called
    yet; how many were. Each is decided about when that time has come."""
    here = {"campaign_id": campaign.id, "launch": campaign.launch, "now": now, "size": size}
    by_zones: dict[str, list[int]] = defaultdict(list)
    for recipient_id, zones in s.connection().execute(_FIRST_DUE, here):
        by_zones[zones].append(recipient_id)
    waits: dict[Wait, list[int]] = defaultdict(list)
    earliest = EarliestWaits(campaign.plan, rulebook, now)
    for zones, ids in by_zones.items():
        wait = wait_of(earliest, zones)
        if wait is not None:
            waits[wait] += ids
    for wait, ids in waits.items():
        values = {"ids": ids, "until": wait.until, "why": wait.reason.text}
        s.connection().execute(_PUT_OFF, values)
    return sum(map(len, waits.values()))


class FirstDue:
    """When recipients of a new launch are due: not before its hours and the rules that ship let
    anybody with their zones be called. What a tenant adds to the rules can't make it earlier."""

    def __init__(self, plan: CallPlan, now: datetime) -> None:
        self._waits = EarliestWaits(plan, shipped_rulebook(), now)
        self._by_zones: dict[str, datetime] = {}

    def __call__(self, zones: str) -> datetime:
        """`zones` is a ZoneEvidence as JSON text."""
        due = self._by_zones.get(zones)
        if due is None:
            if len(self._by_zones) >= MOST_REMEMBERED:
                self._by_zones.clear()
            wait = self._waits.of(read_zones(zones))
            due = self._by_zones[zones] = EPOCH if wait is None else wait.until
        return due


def wait_of(waits: EarliestWaits, zones: str) -> Wait | None:
    """Until when nobody with these zones, a ZoneEvidence as JSON text, gets a first call. None for
    those of older data, too: they are resolved again by each number."""
    evidence = read_zones(zones)
    return waits.of(evidence) if evidence.data_version == zone_data() else None
