"""Batch updates over a campaign's roster: requeue recipients after a rule or definition change, and
end those who wait when the campaign is stopped.

A million rows changed at once would keep every claim, fence and end of the campaign waiting for
half a minute. The first batch is made with the change itself, the others by claims.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select, update
from sqlmodel import Session

from outdial.domain.call.status import OUTCOME_CANCELED, STOPPED
from outdial.domain.decision.decision import Wait
from outdial.domain.decision.earliest import EarliestWaits
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.domain.rules.rulebook import shipped_rulebook
from outdial.store.claims.reschedule import wait_of
from outdial.store.db.bulk import among
from outdial.store.db.ranges import read_in_order
from outdial.store.db.tables import EPOCH, own_plan, recipient

FROM_THE_START = -(2**31)
"""The position to begin at: no position is smaller."""
STEP = 5000
"""Recipients in one step: about a tenth of a second."""

_OF_FIRST_CALLS = (recipient.c.not_before.is_(None), own_plan.is_(None))
_WAITING, _READY = RecipientState.WAITING.value, RecipientState.READY.value


def close_some(s: Session, campaign: CampaignRecord, limit: int = STEP) -> bool:
    """End recipients that are not being called, because the campaign was stopped.

    Whether there may be more of them.
    """
    some = (
        select(recipient.c.id)
        .where(
            recipient.c.campaign_id == campaign.id,
            recipient.c.launch == campaign.launch,
            recipient.c.state.in_((_WAITING, _READY)),
        )
        .limit(limit)
    )
    closed = s.connection().execute(
        update(recipient)
        # The state once more: a row that changed meanwhile is read again, but not selected again.
        .where(recipient.c.id.in_(some), recipient.c.state.in_((_WAITING, _READY)))
        .values(state=RecipientState.DONE.value, outcome=OUTCOME_CANCELED, reason=STOPPED)
    )
    return closed.rowcount >= limit


def requeue_some(
    s: Session,
    campaign: CampaignRecord,
    position: int = FROM_THE_START,
    step: int = STEP,
    *,
    now: datetime,
) -> int | None:
    """Put back recipients that a decision has moved, from a position on; the rest is untouched.

    Those whose hours are closed are due when they open, as in a new launch. The position to go on
    from; None when there are no more. Recipients that are enrolled while this goes on are decided
    by the new rules already, whatever their position.
    """
    last, more = end_of_step(s, campaign, position, step)
    if last is None:
        return None
    here = (
        recipient.c.campaign_id == campaign.id,
        recipient.c.launch == campaign.launch,
        recipient.c.position.between(position, last),
        recipient.c.state.in_((_WAITING, _READY)),
    )
    waits = _waits(s, campaign, here, now)
    own_time = case(
        (recipient.c.not_before.is_not(None), recipient.c.not_before),
        *((_first_calls(n), _instant(wait.until)) for n, wait in enumerate(waits)),
        else_=_instant(EPOCH),
    )
    reasons = [(_first_calls(n), wait.reason.text) for n, wait in enumerate(waits)]
    reason = case(*reasons, else_=recipient.c.reason) if reasons else recipient.c.reason
    own_line = case((recipient.c.plan.is_(None), campaign.plan.line), else_=recipient.c.line)
    s.connection().execute(
        update(recipient)
        .where(
            *here,
            or_(
                recipient.c.state == _READY,
                recipient.c.due_at != own_time,
                recipient.c.line != own_line,
            ),
        )
        .values(state=_WAITING, due_at=own_time, line=own_line, reason=reason),
        {f"zones_{n}": zones for n, zones in enumerate(waits.values())},
    )
    return last + 1 if more else None


def _waits(
    s: Session, campaign: CampaignRecord, here: tuple[ColumnElement[bool], ...], now: datetime
) -> dict[Wait, list[str]]:
    """The zones, as JSON text, of recipients nobody of whom may be called yet, by the wait that the
    campaign's plan and the rules that ship impose on them."""
    earliest = EarliestWaits(campaign.plan, shipped_rulebook(), now)
    waits: dict[Wait, list[str]] = defaultdict(list)
    if campaign.direct:
        return waits
    distinct = select(recipient.c.zones).distinct().where(*here, *_OF_FIRST_CALLS)
    for zones in s.connection().execute(distinct).scalars():
        wait = wait_of(earliest, zones)
        if wait is not None:
            waits[wait].append(zones)
    return waits


def _first_calls(wait: int) -> ColumnElement[bool]:
    """First calls under the campaign's own plan, to people of the zones of a wait."""
    return and_(*_OF_FIRST_CALLS, among(recipient.c.zones, f"zones_{wait}"))


def _instant(at: datetime) -> ColumnElement[datetime]:
    return literal(at, type_=recipient.c.due_at.type)


def end_of_step(
    s: Session, campaign: CampaignRecord, position: int, step: int = STEP
) -> tuple[int | None, bool]:
    """The last of the next `step` positions in use, and whether there may be more. Positions are
    not dense: of requests they are negative, and made of the requests' ids."""
    here = (
        recipient.c.campaign_id == campaign.id,
        recipient.c.launch == campaign.launch,
        recipient.c.position >= position,
    )
    some = select(recipient.c.position).where(*here).order_by(recipient.c.position).limit(step)
    counted = some.subquery()
    ends = select(func.max(counted.c.position), func.count(counted.c.position))
    last, count = tuple(read_in_order(s, ends).one())
    return last, count >= step
