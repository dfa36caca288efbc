"""Requests for a single call: recipients of the standing campaign with a plan of their own."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import Session

from outdial.domain.call.plan import CallRequest
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.domain.rules.zone import ZoneEvidence
from outdial.store.campaign.campaigns import require_campaign
from outdial.store.db.tables import EPOCH, call_request, is_untold, recipient, roster

BY_WORKFLOW = "temporal"
"""The origin of requests that came as a RequestCallWorkflow."""


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
    known = known_request(s, campaign_id, request_key)
    if known is not None:
        return known
    record = require_campaign(s, campaign_id)
    position = _take_position(s, campaign_id, record.launch)
    # Of two with one key, the second waited for the roster and finds the first one's row now.
    known = known_request(s, campaign_id, request_key)
    if known is not None:
        return known
    values = request_row(request, phone, zones) | {
        "campaign_id": campaign_id,
        "launch": record.launch,
        "position": position,
        "request_key": request_key,
        "requester_workflow_id": requester_workflow_id,
    }
    added = s.connection().execute(insert(recipient).values(values).returning(recipient.c.id))
    _note(s, record, request, phone, request_key, now)
    return int(added.scalar_one())


@dataclass(frozen=True, slots=True)
class Requester:
    """A workflow that awaits the end of a recipient."""

    recipient_id: int
    workflow_id: str


def untold_requesters(s: Session, *, after: int, limit: int) -> list[Requester]:
    """Requesters whose recipient has ended and who are not known to know it, by recipient id."""
    found = (
        select(recipient.c.id, recipient.c.requester_workflow_id)
        .where(is_untold, recipient.c.id > after)
        .order_by(recipient.c.id)
        .limit(limit)
    )
    return [Requester(*row) for row in s.connection().execute(found)]


def mark_requesters_told(s: Session, recipient_ids: Sequence[int]) -> None:
    s.connection().execute(
        update(recipient).where(recipient.c.id.in_(recipient_ids)).values(requester_told=True)
    )


def _note(
    s: Session,
    direct: CampaignRecord,
    request: CallRequest,
    phone: str,
    request_key: str,
    now: datetime,
) -> None:
    """Make it known to those who list calls."""
    s.connection().execute(
        insert(call_request).values(
            public_id=str(uuid.uuid4()),
            tenant=direct.tenant,
            campaign_id=direct.id,
            key=request_key,
            phone=phone,
            agent=request.agent.id,
            line=request.line,
            origin=BY_WORKFLOW,
            created_at=now,
        )
    )


def request_row(request: CallRequest, phone: str, zones: ZoneEvidence | None) -> dict[str, Any]:
    """The columns of a recipient that a request sets."""
    return {
        "phone": phone,
        "alternate_phones": [],
        "zones": None if zones is None else zones.model_dump_json(exclude_none=True),
        "consent": None if request.consent is None else request.consent.model_dump_json(),
        "variables": request.variables,
        "line": request.line,
        "line_marks": {},
        "plan": request.plan().model_dump_json(),
        "state": RecipientState.WAITING.value,
        "attempts": 0,
        "calls": 0,
        "not_before": request.not_before,
        "due_at": request.not_before or EPOCH,
        "turn": 0 if request.not_before else 1,
        "withdrawn": False,
        "context": request.context or None,
    }


def known_request(s: Session, campaign_id: int, request_key: str) -> int | None:
    """The recipient of the request with a key; None when there is none yet."""
    found = select(recipient.c.id).where(
        recipient.c.campaign_id == campaign_id, recipient.c.request_key == request_key
    )
    known: int | None = s.connection().execute(found).scalar_one_or_none()
    return known


def _take_position(s: Session, campaign_id: int, launch: int) -> int:
    moved = s.connection().execute(
        update(roster)
        .where(roster.c.campaign_id == campaign_id, roster.c.launch == launch)
        .values(next_position=roster.c.next_position + 1)
        .returning(roster.c.next_position)
    )
    return int(moved.scalar_one()) - 1
