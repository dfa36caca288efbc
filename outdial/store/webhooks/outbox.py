"""The outbox: events for endpoints, written in the transactions that they report.

A tenant without endpoints costs one query a transaction.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, and_, bindparam, exists, insert, or_, select
from sqlmodel import Session

from outdial.domain.directory import Contact
from outdial.domain.endpoint import DeliveryState, Endpoint, EndpointKind, EndpointState, EventType
from outdial.domain.line.routing import SIMULATED
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.store.db.tables import (
    agent,
    call,
    call_request,
    contact,
    delivery,
    endpoint,
    line,
    recipient,
)
from outdial.store.lines.kinds import simulated_among
from outdial.store.webhooks.endpoints import endpoint_of_row

_ANY = select(
    exists().where(endpoint.c.tenant == bindparam("of_tenant"), endpoint.c.state == "enabled")
)
_CALLS = (
    select(
        call,
        recipient.c.state.label("recipient_state"),
        recipient.c.context.label("recipient_context"),
        call_request.c.public_id,
        call_request.c.endpoint_id,
        call_request.c.agent,
        call_request.c.contact_id,
        line.c.provider,
        agent.c.name.label("agent_name"),
        contact.c.first_name,
        contact.c.last_name,
    )
    .join_from(call, recipient, recipient.c.id == call.c.recipient_id)
    .join(line, and_(line.c.tenant == call.c.tenant, line.c.name == call.c.line), isouter=True)
    .join(
        call_request,
        and_(
            call_request.c.campaign_id == recipient.c.campaign_id,
            call_request.c.key == recipient.c.request_key,
        ),
        isouter=True,
    )
    .join(contact, contact.c.id == call_request.c.contact_id, isouter=True)
    .join(
        agent,
        and_(agent.c.tenant == call.c.tenant, agent.c.id == call_request.c.agent),
        isouter=True,
    )
    .where(call.c.id.in_(bindparam("call_ids", expanding=True)))
)
_REQUESTS = (
    select(
        recipient.c.phone,
        recipient.c.outcome,
        recipient.c.reason,
        recipient.c.attempts,
        recipient.c.line,
        recipient.c.context.label("recipient_context"),
        call_request.c.public_id,
        call_request.c.endpoint_id,
        call_request.c.agent,
        call_request.c.contact_id,
        line.c.provider,
        agent.c.name.label("agent_name"),
        contact.c.first_name,
        contact.c.last_name,
    )
    .join_from(
        recipient,
        call_request,
        and_(
            call_request.c.campaign_id == recipient.c.campaign_id,
            call_request.c.key == recipient.c.request_key,
        ),
    )
    .join(
        line,
        and_(line.c.tenant == call_request.c.tenant, line.c.name == recipient.c.line),
        isouter=True,
    )
    .join(contact, contact.c.id == call_request.c.contact_id, isouter=True)
    .join(
        agent,
        and_(agent.c.tenant == call_request.c.tenant, agent.c.id == call_request.c.agent),
        isouter=True,
    )
    .where(
        recipient.c.campaign_id == bindparam("campaign_id"),
        recipient.c.id.in_(bindparam("recipient_ids", expanding=True)),
    )
)


@dataclass(frozen=True, slots=True)
class Happened:
    """Something to be told: what, about what, and to whom besides the tenant's endpoints."""

    type: str
    subject: str
    data: dict[str, Any]
    campaign_id: int | None = None
    endpoint_id: str | None = None


def tell_calls(
    s: Session, tenant: str, changes: Sequence[tuple[str, str]], *, now: datetime
) -> None:
    """Write down what happened to calls: their ids and event types, in this order."""
    if not changes or not anybody(s, tenant):
        return
    found = s.connection().execute(_CALLS, {"call_ids": sorted({one for one, _ in changes})})
    rows = {row["id"]: row for row in found.mappings()}
    tell(s, tenant, [_of_call(rows[one], what) for one, what in changes if one in rows], now=now)


def tell_requests(
    s: Session,
    campaign: CampaignRecord,
    recipient_ids: Sequence[int],
    what: EventType,
    *,
    now: datetime,
) -> None:
    """Write down what became of requests that ended without a call."""
    if not (campaign.direct and recipient_ids) or not anybody(s, campaign.tenant):
        return
    wanted = {"campaign_id": campaign.id, "recipient_ids": list(recipient_ids)}
    rows = s.connection().execute(_REQUESTS, wanted).mappings()
    tell(s, campaign.tenant, [_of_request(row, campaign.name, what) for row in rows], now=now)


def tell_campaign(s: Session, campaign: CampaignRecord, what: EventType, *, now: datetime) -> None:
    """Write down that a campaign was started, paused, resumed or has ended."""
    if campaign.direct or not anybody(s, campaign.tenant):
        return
    lines = [share.name for share in campaign.plan.shares]
    data = {
        "campaign": campaign.name,
        "lines": lines,
        "simulated": sorted(simulated_among(s, campaign.tenant, lines)),
        "state": campaign.state.value,
        "launch": campaign.launch,
        "reason": campaign.reason,
    }
    happened = Happened(what.value, f"campaign/{campaign.name}", data, campaign_id=campaign.id)
    tell(s, campaign.tenant, [happened], now=now)


def tell_suppressed(
    s: Session, tenant: str, numbers: Iterable[str], reason: str, source: str, *, now: datetime
) -> None:
    if not anybody(s, tenant):
        return
    happened = [
        Happened(
            EventType.RECIPIENT_SUPPRESSED.value,
            f"number/{number}",
            {"phone": number, "reason": reason, "source": source},
        )
        for number in numbers
    ]
    tell(s, tenant, happened, now=now)


def tell_contacts(
    s: Session, contacts: Sequence[Contact], what: EventType, *, now: datetime
) -> None:
    """Write down that contacts of one tenant were made or changed."""
    if not contacts or not anybody(s, contacts[0].tenant):
        return
    happened = [
        Happened(what.value, f"contact/{one.id}", one.model_dump(mode="json", exclude={"tenant"}))
        for one in contacts
    ]
    tell(s, contacts[0].tenant, happened, now=now)


def tell(s: Session, tenant: str, happened: Sequence[Happened], *, now: datetime) -> None:
    """Write events for everybody who wants them, due at once."""
    if not happened:
        return
    listening = _listening(s, tenant, happened)
    rows: list[dict[str, Any]] = []
    for one in happened:
        wanting = [to for to in listening if to.wants(one.type) and _concerns(to, one)]
        rows += _rows(one, wanting, now)
    if rows:
        s.connection().execute(insert(delivery), rows)


def tell_one(s: Session, to: Endpoint, one: Happened, *, now: datetime) -> None:
    """Write an event for one endpoint, whatever it wants to be told of."""
    s.connection().execute(insert(delivery), _rows(one, [to], now))


def _rows(one: Happened, wanting: Sequence[Endpoint], now: datetime) -> list[dict[str, Any]]:
    event_id = f"evt_{uuid.uuid4().hex}"
    told = {"type": one.type, "timestamp": now.isoformat(), "data": one.data}
    payload = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return [
        {
            "tenant": to.tenant,
            "endpoint_id": to.id,
            "event_id": event_id,
            "type": one.type,
            "subject": one.subject,
            "payload": payload,
            "state": DeliveryState.PENDING.value,
            "attempts": 0,
            "next_at": now,
            "created_at": now,
        }
        for to in wanting
    ]


def anybody(s: Session, tenant: str) -> bool:
    """Whether a tenant has endpoints at all."""
    return bool(s.connection().execute(_ANY, {"of_tenant": tenant}).scalar_one())


def _listening(s: Session, tenant: str, happened: Sequence[Happened]) -> list[Endpoint]:
    campaigns = {one.campaign_id for one in happened if one.campaign_id is not None}
    named = {one.endpoint_id for one in happened if one.endpoint_id is not None}
    found = select(endpoint).where(
        endpoint.c.tenant == tenant,
        endpoint.c.state == EndpointState.ENABLED.value,
        or_(
            endpoint.c.kind == EndpointKind.TENANT.value,
            and_(
                endpoint.c.kind == EndpointKind.CAMPAIGN.value,
                endpoint.c.campaign_id.in_(campaigns),
            ),
            endpoint.c.id.in_(named),
        ),
    )
    return [endpoint_of_row(row) for row in s.connection().execute(found).mappings()]


def _concerns(to: Endpoint, one: Happened) -> bool:
    if to.kind is EndpointKind.TENANT:
        return True
    if to.kind is EndpointKind.CAMPAIGN:
        return to.campaign_id == one.campaign_id
    return to.id == one.endpoint_id


def _of_call(row: RowMapping, what: str) -> Happened:
    public_id = row["public_id"] or row["id"]
    data: dict[str, Any] = {
        "id": public_id,
        "attempt_id": row["id"],
        "attempt": row["attempt"],
        "campaign": row["campaign"],
        "to": row["phone"],
        "from": row["caller_id"],
        "line": row["line"],
        "simulated": row["provider"] == SIMULATED,
        "agent": row["agent"],
        "agent_name": row["agent_name"],
        "contact_id": row["contact_id"],
        "contact_name": _name(row),
        "status": row["status"],
        "outcome": row["outcome"],
        "disposition": row["disposition"],
        "answered_by": row["answered_by"],
        "failure": row["failure"],
        "detail": row["detail"],
        "created_at": _instant(row["created_at"]),
        "answered_at": _instant(row["answered_at"]),
        "ended_at": _instant(row["ended_at"]),
        "duration_seconds": row["duration_seconds"],
        "cost": row["cost"],
        "recording_url": row["recording_url"],
        "transcript": row["transcript"],
        "structured": row["structured"],
        "context": row["recipient_context"] or {},
        "final": row["recipient_state"] == RecipientState.DONE.value,
    }
    return Happened(what, f"call/{public_id}", data, row["campaign_id"], row["endpoint_id"])


def _of_request(row: RowMapping, campaign: str, what: EventType) -> Happened:
    data = {
        "id": row["public_id"],
        "attempt": row["attempts"],
        "campaign": campaign,
        "to": row["phone"],
        "line": row["line"],
        "simulated": row["provider"] == SIMULATED,
        "agent": row["agent"],
        "agent_name": row["agent_name"],
        "contact_id": row["contact_id"],
        "contact_name": _name(row),
        "status": what.value.removeprefix("call."),
        "outcome": row["outcome"],
        "detail": row["reason"],
        "context": row["recipient_context"] or {},
        "final": True,
    }
    return Happened(what.value, f"call/{row['public_id']}", data, endpoint_id=row["endpoint_id"])


def _name(row: RowMapping) -> str | None:
    return " ".join(filter(None, (row["first_name"], row["last_name"]))) or None


def _instant(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
