"""Requests for single calls, taken in one short transaction that waits for nobody else's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, insert, select
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.plan import CallRequest
from outdial.domain.endpoint import EventType
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.domain.rules.zone import ZoneEvidence
from outdial.store.call.requests import request_row
from outdial.store.campaign.campaigns import campaign_record
from outdial.store.db.tables import call_request, campaign, recipient
from outdial.store.db.tables.roster import is_ready
from outdial.store.roster.roster import REFUSED_OUTCOME
from outdial.store.webhooks.outbox import tell_requests

_ADD_RECIPIENT = insert(recipient).returning(recipient.c.id)
_ADD_REQUEST = insert(call_request).returning(call_request.c.id)
"""Built once: building a statement takes longer than running it."""


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request, checked: a number in E.164, and its zones or why nobody can be called."""

    public_id: str
    request: CallRequest
    phone: str
    zones: ZoneEvidence | None
    agent: str
    """As it was asked for."""
    origin: str
    refused: str | None = None
    contact_id: str | None = None
    endpoint_id: str | None = None


def create_request(s: Session, direct: CampaignRecord, new: NewRequest, *, now: datetime) -> None:
    """Put a request on the roster of a standing campaign.

    Its position is made of its own id. Taking the roster's next one would make every request
    wait for the commit of the one before.
    """
    row_id = note_request(s, direct, new, key=new.public_id, now=now)
    values = request_row(new.request, new.phone, new.zones) | {
        "campaign_id": direct.id,
        "launch": direct.launch,
        "position": -row_id,
        "request_key": new.public_id,
    }
    if new.refused is not None:
        values |= {
            "state": RecipientState.DONE.value,
            "outcome": REFUSED_OUTCOME,
            "reason": new.refused,
        }
    added = s.connection().execute(_ADD_RECIPIENT, values)
    if new.refused is not None:
        tell_requests(s, direct, [added.scalar_one()], EventType.CALL_FAILED, now=now)


def note_request(
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


def unclaimed(s: Session, *, before: datetime) -> list[CampaignRecord]:
    """Standing campaigns with somebody who is due since before an instant."""
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
    found = select(campaign).where(
        campaign.c.standing, campaign.c.state == CampaignState.RUNNING.value, waits, just_made
    )
    return [campaign_record(row) for row in s.connection().execute(found).mappings()]


def with_people_ready(s: Session, *, after: int, limit: int) -> list[CampaignRecord]:
    """Running standing campaigns with somebody whose turn it is, behind a campaign's id."""
    ready = exists().where(
        recipient.c.campaign_id == campaign.c.id,
        recipient.c.launch == campaign.c.launch,
        is_ready,
    )
    found = (
        select(campaign)
        .where(
            campaign.c.standing,
            campaign.c.state == CampaignState.RUNNING.value,
            campaign.c.id > after,
            ready,
        )
        .order_by(campaign.c.id)
        .limit(limit)
    )
    return [campaign_record(row) for row in s.connection().execute(found).mappings()]
