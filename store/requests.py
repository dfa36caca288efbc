"""Requests for a single call: recipients of the standing campaign with a plan of their own."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select, update
from sqlmodel import Session

from domain.plan import CallRequest
from domain.record import RecipientState
from domain.zone import ZoneEvidence
from store.campaign_rows import require_campaign
from store.tables import EPOCH, recipient, roster


def enroll_request(
    s: Session,
    campaign_id: int,
    request: CallRequest,
    *,
    phone: str,
    zones: ZoneEvidence,
    request_key: str,
    requester_workflow_id: str | None,
    now: datetime,
) -> int:
    """Put a request on the roster of a standing campaign; the recipient's id.

    The same key again gives the same recipient, whatever else is asked. Raises UnknownCampaign.
    """
    record = require_campaign(s, campaign_id)
    found = select(recipient.c.id).where(
        recipient.c.campaign_id == campaign_id, recipient.c.request_key == request_key
    )
    known = s.connection().execute(found).scalar_one_or_none()
    if known is not None:
        return int(known)
    position = _take_position(s, campaign_id, record.launch)
    # Of two with one key, the second waited for the roster and finds the first one's row now.
    known = s.connection().execute(found).scalar_one_or_none()
    if known is not None:
        return int(known)
    added = s.connection().execute(
        insert(recipient)
        .values(
            campaign_id=campaign_id,
            launch=record.launch,
            position=position,
            phone=phone,
            alternate_phones=[],
            zones=zones.model_dump_json(),
            variables=request.variables,
            line=request.line,
            plan=request.plan().model_dump_json(),
            state=RecipientState.WAITING.value,
            attempts=0,
            calls=0,
            not_before=request.not_before,
            due_at=request.not_before or EPOCH,
            turn=1,
            withdrawn=False,
            request_key=request_key,
            requester_workflow_id=requester_workflow_id,
            context=request.context or None,
        )
        .returning(recipient.c.id)
    )
    return int(added.scalar_one())


def _take_position(s: Session, campaign_id: int, launch: int) -> int:
    moved = s.connection().execute(
        update(roster)
        .where(roster.c.campaign_id == campaign_id, roster.c.launch == launch)
        .values(next_position=roster.c.next_position + 1)
        .returning(roster.c.next_position)
    )
    return int(moved.scalar_one()) - 1
