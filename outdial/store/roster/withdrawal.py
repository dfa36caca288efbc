"""Withdraws recipients that must not be called any more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Text, or_, select, type_coerce, update
from sqlmodel import Session

from outdial.domain.call.status import OUTCOME_CANCELED, WITHDRAWN, CallStatus
from outdial.domain.endpoint import EventType
from outdial.domain.numbers.phone import siblings
from outdial.domain.record import CallRecord, CampaignRecord, RecipientState
from outdial.store.campaign.campaigns import require_campaign
from outdial.store.claims.state import lock_claim_state
from outdial.store.db.bulk import among
from outdial.store.db.dialect import lock_rows
from outdial.store.db.tables import call, recipient
from outdial.store.records import call_record
from outdial.store.roster.requeue import FROM_THE_START, STEP, end_of_step
from outdial.store.webhooks.outbox import publish_requests

_NOT_CALLED = (RecipientState.WAITING, RecipientState.READY)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What withdrawing a number has changed."""

    recipients: int
    """How many were not done."""
    live: tuple[CallRecord, ...]
    """Calls to them, to be hung up."""


def find_number(
    s: Session,
    campaign: CampaignRecord,
    number: str,
    position: int = FROM_THE_START,
    step: int = STEP,
) -> tuple[list[int], int | None]:
    """Recipients of the campaign's launch with this number (E.164, in any form), whether it is the
    next one to dial or another one of theirs, among the next `step` from a position on; and the
    position to go on from, None when there are no more."""
    last, more = end_of_step(s, campaign, position, step)
    if last is None:
        return [], None
    forms = siblings(number)
    having = select(recipient.c.id).where(
        recipient.c.campaign_id == campaign.id,
        recipient.c.launch == campaign.launch,
        recipient.c.position.between(position, last),
        or_(recipient.c.phone.in_(forms), _among_others(forms)),
    )
    return list(s.connection().execute(having).scalars()), last + 1 if more else None


def withdraw_number(
    s: Session, campaign_id: int, number: str, candidates: Collection[int], *, now: datetime
) -> Withdrawn | None:
    """Withdraw the recipients of a campaign's present launch with this number; None when nobody has
    it.

    `candidates` are those that `find_number` read before: the roster is not searched while claims
    wait for this. They are checked again, and those who would be dialed on the number next are
    read again.
    """
    lock_claim_state(s, campaign_id)
    states = _with_number(s, require_campaign(s, campaign_id), number, candidates)
    if not states:
        return None
    left = [one for one, state in states.items() if state != RecipientState.DONE]
    calls = [withdraw_recipient(s, one, now=now) for one in left]
    return Withdrawn(len(left), tuple(call for call in calls if call is not None))


def _with_number(
    s: Session, campaign: CampaignRecord, number: str, candidates: Collection[int]
) -> dict[int, str]:
    """Recipients with a number, and their states."""
    forms = siblings(number)
    of_launch = select(recipient.c.id, recipient.c.state).where(
        recipient.c.campaign_id == campaign.id, recipient.c.launch == campaign.launch
    )
    next_on_it = of_launch.where(recipient.c.phone.in_(forms))
    states = {row.id: row.state for row in s.connection().execute(next_on_it)}
    later_on_it = of_launch.where(among(recipient.c.id, "candidates"), _among_others(forms))
    rows = s.connection().execute(later_on_it, {"candidates": sorted(candidates)})
    return states | {row.id: row.state for row in rows}


def _among_others(forms: Sequence[str]) -> ColumnElement[bool]:
    """One of the other numbers is one of these. They are kept as JSON, each in quotation marks, so
    that no longer one contains it."""
    others = type_coerce(recipient.c.alternate_phones, Text)
    return or_(*(others.contains(f'"{form}"') for form in forms))


def withdraw_recipient(s: Session, recipient_id: int, *, now: datetime) -> CallRecord | None:
    """End a recipient that waits; one that is being called ends with this call, whatever comes.

    Returns the call to hang up, when there is one. Unknown or ended recipients are not changed.
    """
    campaign_id = (
        s.connection()
        .execute(select(recipient.c.campaign_id).where(recipient.c.id == recipient_id))
        .scalar_one_or_none()
    )
    if campaign_id is None:
        return None
    # A claim decides about recipients without locking each: the claim state is their lock.
    lock_claim_state(s, campaign_id)
    statement = lock_rows(
        select(recipient.c.state).where(recipient.c.id == recipient_id), exclusive=[recipient]
    )
    state = s.connection().execute(statement).scalar_one()
    if state == RecipientState.DONE:
        return None
    values: dict[str, object] = {"withdrawn": True}
    if state in _NOT_CALLED:
        values |= {
            "state": RecipientState.DONE.value,
            "outcome": OUTCOME_CANCELED,
            "reason": WITHDRAWN,
        }
    s.connection().execute(update(recipient).where(recipient.c.id == recipient_id).values(values))
    if state in _NOT_CALLED:
        campaign = require_campaign(s, campaign_id)
        publish_requests(s, campaign, [recipient_id], EventType.CALL_CANCELED, now=now)
    return _live_call(s, recipient_id) if state == RecipientState.CALLING else None


def _live_call(s: Session, recipient_id: int) -> CallRecord | None:
    statement = (
        select(call)
        .where(call.c.recipient_id == recipient_id)
        .order_by(call.c.number.desc())
        .limit(1)
    )
    row = s.connection().execute(statement).mappings().first()
    if row is None or CallStatus(row["status"]).terminal:
        return None
    return call_record(row)
