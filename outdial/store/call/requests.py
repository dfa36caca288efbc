"""Requests for a single call: recipients of the direct campaign with a plan of their own."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, insert, select, update
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.plan import CallRequest
from outdial.domain.call.status import OUTCOME_REFUSED
from outdial.domain.endpoint import EventType
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.domain.rules.zone import ZoneEvidence
from outdial.store.campaign.campaigns import campaign_record, require_campaign
from outdial.store.db.tables import (
    EPOCH,
    call_request,
    campaign,
    is_direct,
    is_unsignalled,
    recipient,
    roster,
)
from outdial.store.db.tables.roster import is_ready
from outdial.store.webhooks.outbox import publish_requests

BY_WORKFLOW = "temporal"
"""The origin of requests that came as a RequestCallWorkflow."""
_ADD_RECIPIENT = insert(recipient).returning(recipient.c.id)
_ADD_REQUEST = insert(call_request).returning(call_request.c.id)
"""Built once: building a statement takes longer than running it."""


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request, checked: a number in E.164, and its zones or why no call can be made."""

    public_id: str
    request: CallRequest
    phone: str
    zones: ZoneEvidence | None
    agent: str
    """As it was requested."""
    origin: str
    refused: str | None = None
    contact_id: str | None = None
    endpoint_id: str | None = None


def create_request(s: Session, direct: CampaignRecord, new: NewRequest, *, now: datetime) -> None:
    """Put a request on the roster of a direct campaign.

    Its position is made of its own id. Taking the roster's next one would make every request
    wait for the commit of the one before.
    """
    row_id = _list_request(s, direct, new, key=new.public_id, now=now)
    values = request_row(new.request, new.phone, new.zones) | {
        "campaign_id": direct.id,
        "launch": direct.launch,
        "position": -row_id,
        "request_key": new.public_id,
    }
    if new.refused is not None:
        values |= {
            "state": RecipientState.DONE.value,
            "outcome": OUTCOME_REFUSED,
            "reason": new.refused,
        }
    added = s.connection().execute(_ADD_RECIPIENT, values)
    if new.refused is not None:
        publish_requests(s, direct, [added.scalar_one()], EventType.CALL_FAILED, now=now)


def _list_request(
    s: Session, direct: CampaignRecord, new: NewRequest, *, key: str, now: datetime
) -> int:
    """Make a request known to those who list calls; its row's id."""
    values: dict[str, Any] = {
        "public_id": new.public_id,
        "tenant": direct.tenant,
        "campaign_id": direct.id,
        "key": key,
        "phone": new.phone,
        "agent": new.agent,
        "line": new.request.line,
        "origin": new.origin,
        "contact_id": new.contact_id,
        "endpoint_id": new.endpoint_id,
        "created_at": now,
    }
    added = s.connection().execute(_ADD_REQUEST, values)
    return int(added.scalar_one())


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
    """Put a request on the roster of a direct campaign; the recipient's id.

    The same key again gives the same recipient, whatever else is in the request. Raises
    UnknownCampaign.
    """
    recipient_id = find_request(s, campaign_id, request_key)
    if recipient_id is not None:
        return recipient_id
    record = require_campaign(s, campaign_id)
    position = _take_position(s, campaign_id, record.launch)
    # Of two with one key, the second waited for the roster and finds the first one's row now.
    recipient_id = find_request(s, campaign_id, request_key)
    if recipient_id is not None:
        return recipient_id
    values = request_row(request, phone, zones) | {
        "campaign_id": campaign_id,
        "launch": record.launch,
        "position": position,
        "request_key": request_key,
        "requester_workflow_id": requester_workflow_id,
    }
    added = s.connection().execute(insert(recipient).values(values).returning(recipient.c.id))
    new = NewRequest(
        public_id=str(uuid.uuid4()),
        request=request,
        phone=phone,
        zones=zones,
        agent=request.agent.id,
        origin=BY_WORKFLOW,
    )
    _list_request(s, record, new, key=request_key, now=now)
    return int(added.scalar_one())


@dataclass(frozen=True, slots=True)
class Requester:
    """A workflow that awaits the end of a recipient."""

    recipient_id: int
    workflow_id: str


def unsignalled_requesters(s: Session, *, after: int, limit: int) -> list[Requester]:
    """Requesters whose recipient has ended and that no signal is known to have reached; by the
    recipient's id."""
    statement = (
        select(recipient.c.id, recipient.c.requester_workflow_id)
        .where(is_unsignalled, recipient.c.id > after)
        .order_by(recipient.c.id)
        .limit(limit)
    )
    return [Requester(*row) for row in s.connection().execute(statement)]


def mark_requesters_signalled(s: Session, recipient_ids: Sequence[int]) -> None:
    s.connection().execute(
        update(recipient).where(recipient.c.id.in_(recipient_ids)).values(requester_signalled=True)
    )


def unclaimed(s: Session, *, before: datetime) -> list[CampaignRecord]:
    """Direct campaigns with a recipient who is due since before an instant."""
    waits = exists().where(
        recipient.c.campaign_id == campaign.c.id,
        recipient.c.launch == campaign.c.launch,
        recipient.c.state == RecipientState.WAITING.value,
        recipient.c.turn.in_([0, 1]),
        recipient.c.due_at < before,
    )
    just_made = exists().where(
        call_request.c.campaign_id == campaign.c.id, call_request.c.created_at < before
    )
    statement = select(campaign).where(
        is_direct, campaign.c.state == CampaignState.RUNNING.value, waits, just_made
    )
    return [campaign_record(row) for row in s.connection().execute(statement).mappings()]


def with_people_ready(s: Session, *, after: int, limit: int) -> list[CampaignRecord]:
    """Running direct campaigns with a recipient that can be claimed, after a campaign's id."""
    ready = exists().where(
        recipient.c.campaign_id == campaign.c.id,
        recipient.c.launch == campaign.c.launch,
        is_ready,
    )
    statement = (
        select(campaign)
        .where(
            is_direct,
            campaign.c.state == CampaignState.RUNNING.value,
            campaign.c.id > after,
            ready,
        )
        .order_by(campaign.c.id)
        .limit(limit)
    )
    return [campaign_record(row) for row in s.connection().execute(statement).mappings()]


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


def find_request(s: Session, campaign_id: int, request_key: str) -> int | None:
    """The recipient of the request with a key; None when there is none yet."""
    statement = select(recipient.c.id).where(
        recipient.c.campaign_id == campaign_id, recipient.c.request_key == request_key
    )
    recipient_id: int | None = s.connection().execute(statement).scalar_one_or_none()
    return recipient_id


def _take_position(s: Session, campaign_id: int, launch: int) -> int:
    moved = s.connection().execute(
        update(roster)
        .where(roster.c.campaign_id == campaign_id, roster.c.launch == launch)
        .values(next_position=roster.c.next_position + 1)
        .returning(roster.c.next_position)
    )
    return int(moved.scalar_one()) - 1
