"""Batch updates over a campaign's roster: requeue recipients after a rule or definition change, and
end those who wait when the campaign is stopped.

A million rows changed at once would keep every claim, fence and end of the campaign waiting for
half a minute. The first batch is made with the change itself, the others by claims.
"""

from __future__ import annotations

from sqlalchemy import case, func, or_, select, update
from sqlmodel import Session

from outdial.domain.call.status import OUTCOME_CANCELED, STOPPED
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.store.db.tables import EPOCH, recipient

FROM_THE_START = -(2**31)
"""The position to begin at: no position is smaller."""
STEP = 5000
"""Recipients in one step: about a tenth of a second."""

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
    s: Session, campaign: CampaignRecord, position: int = FROM_THE_START, step: int = STEP
) -> int | None:
    """Put back recipients that a decision has moved, from a position on; the rest is untouched.

    The position to go on from; None when there are no more. Recipients that are enrolled while this
    goes on are decided by the new rules already, whatever their position.
    """
    last, more = _end_of_step(s, campaign, position, step)
    if last is None:
        return None
    own_time = func.coalesce(recipient.c.not_before, EPOCH)
    own_line = case((recipient.c.plan.is_(None), campaign.plan.line), else_=recipient.c.line)
    s.connection().execute(
        update(recipient)
        .where(
            recipient.c.campaign_id == campaign.id,
            recipient.c.launch == campaign.launch,
            recipient.c.position.between(position, last),
            recipient.c.state.in_((_WAITING, _READY)),
            or_(
                recipient.c.state == _READY,
                recipient.c.due_at != own_time,
                recipient.c.line != own_line,
            ),
        )
        .values(state=_WAITING, due_at=own_time, line=own_line)
    )
    return last + 1 if more else None


def _end_of_step(
    s: Session, campaign: CampaignRecord, position: int, step: int
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
    rows = s.connection().execute(
        select(func.max(counted.c.position), func.count(counted.c.position))
    )
    last, count = rows.one()
    return last, count >= step
