"""The outbox: deliveries of events to endpoints, written in the transaction that they report.

For a tenant without endpoints publishing costs one query a transaction.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, and_, bindparam, exists, insert, select, union_all
from sqlmodel import Session

from outdial.domain.directory import Contact
from outdial.domain.endpoint import DeliveryState, Endpoint, EndpointKind, EndpointState, EventType
from outdial.domain.line.routing import SIMULATED
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.store.db.dialect import unindexed
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
from outdial.store.webhooks.outstanding import mark_due

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
class OutboxEvent:
    """An event to publish: its type, its subject, and one more endpoint that gets it."""

    type: str
    subject: str
    data: dict[str, Any]
    campaign_id: int | None = None
    endpoint_id: str | None = None
    """Of the endpoint that the call's request names, if it names one."""


def publish_calls(
    s: Session, tenant: str, changes: Sequence[tuple[str, str]], *, now: datetime
) -> None:
    """Publish changes of calls: pairs of a call's id and an event type, in this order."""
    if not changes or not has_endpoints(s, tenant):
        return
    ids = sorted({call_id for call_id, _ in changes})
    calls = {row["id"]: row for row in s.connection().execute(_CALLS, {"call_ids": ids}).mappings()}
    events = [
        _of_call(calls[call_id], event_type) for call_id, event_type in changes if call_id in calls
    ]
    publish(s, tenant, events, now=now)


def publish_requests(
    s: Session,
    campaign: CampaignRecord,
    recipient_ids: Sequence[int],
    event_type: EventType,
    *,
    now: datetime,
) -> None:
    """Publish the end of requests that ended without a call."""
    if not (campaign.direct and recipient_ids) or not has_endpoints(s, campaign.tenant):
        return
    parameters = {"campaign_id": campaign.id, "recipient_ids": list(recipient_ids)}
    rows = s.connection().execute(_REQUESTS, parameters).mappings()
    events = [_of_request(row, campaign.name, event_type) for row in rows]
    publish(s, campaign.tenant, events, now=now)


def publish_campaign(
    s: Session,
    campaign: CampaignRecord,
    event_type: EventType,
    *,
    now: datetime,
    reason: str | None = None,
    **more: str,
) -> None:
    """Publish that a campaign was started, changed, paused, resumed or has ended, or can't go on
    for now; `reason` is why, where the campaign's record does not say it, and `more` goes with
    it."""
    if campaign.direct or not has_endpoints(s, campaign.tenant):
        return
    lines = [share.name for share in campaign.plan.shares]
    data = {
        "campaign": campaign.name,
        "lines": lines,
        "simulated": sorted(simulated_among(s, campaign.tenant, lines)),
        "state": campaign.state.value,
        "launch": campaign.launch,
        "revision": campaign.revision,
        "reason": reason or campaign.reason,
        **more,
    }
    event = OutboxEvent(event_type.value, f"campaign/{campaign.name}", data, campaign.id)
    publish(s, campaign.tenant, [event], now=now)


def publish_suppressions(
    s: Session, tenant: str, numbers: Iterable[str], reason: str, source: str, *, now: datetime
) -> None:
    """Publish that numbers were added to a suppression list."""
    if not has_endpoints(s, tenant):
        return
    events = [
        OutboxEvent(
            EventType.RECIPIENT_SUPPRESSED.value,
            f"number/{number}",
            {"phone": number, "reason": reason, "source": source},
        )
        for number in numbers
    ]
    publish(s, tenant, events, now=now)


def publish_contacts(
    s: Session, contacts: Sequence[Contact], event_type: EventType, *, now: datetime
) -> None:
    """Publish that contacts of one tenant were created or changed."""
    if not contacts or not has_endpoints(s, contacts[0].tenant):
        return
    events = [
        OutboxEvent(
            event_type.value,
            f"contact/{contact.id}",
            contact.model_dump(mode="json", exclude={"tenant"}),
        )
        for contact in contacts
    ]
    publish(s, contacts[0].tenant, events, now=now)


def publish(s: Session, tenant: str, events: Sequence[OutboxEvent], *, now: datetime) -> None:
    """Write a delivery of each event for each endpoint that subscribes to it, due at once."""
    if not events:
        return
    endpoints = _subscribed(s, tenant, events)
    rows: list[dict[str, Any]] = []
    for event in events:
        receivers = [to for to in endpoints if to.wants(event.type) and _concerns(to, event)]
        rows += _rows(event, receivers, now)
    if rows:
        _write(s, rows, now)


def publish_to(s: Session, to: Endpoint, event: OutboxEvent, *, now: datetime) -> None:
    """Write a delivery for one endpoint, whatever it subscribes to."""
    _write(s, _rows(event, [to], now), now)


def _write(s: Session, rows: Sequence[dict[str, Any]], now: datetime) -> None:
    s.connection().execute(insert(delivery), rows)
    mark_due(s, {row["endpoint_id"] for row in rows}, now)


def _rows(event: OutboxEvent, receivers: Sequence[Endpoint], now: datetime) -> list[dict[str, Any]]:
    event_id = f"evt_{uuid.uuid4().hex}"
    body = {"type": event.type, "timestamp": now.isoformat(), "data": event.data}
    payload = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return [
        {
            "tenant": to.tenant,
            "endpoint_id": to.id,
            "event_id": event_id,
            "type": event.type,
            "subject": event.subject,
            "payload": payload,
            "state": DeliveryState.PENDING.value,
            "attempts": 0,
            "next_at": now,
            "created_at": now,
        }
        for to in receivers
    ]


def has_endpoints(s: Session, tenant: str) -> bool:
    """Whether a tenant has any enabled endpoint."""
    return bool(s.connection().execute(_ANY, {"of_tenant": tenant}).scalar_one())


def _subscribed(s: Session, tenant: str, events: Sequence[OutboxEvent]) -> list[Endpoint]:
    """Enabled endpoints of the tenant, of the events' campaigns, and those the events name."""
    campaigns = {event.campaign_id for event in events if event.campaign_id is not None}
    named = {event.endpoint_id for event in events if event.endpoint_id is not None}
    enabled = select(endpoint).where(
        endpoint.c.tenant == tenant, endpoint.c.state == EndpointState.ENABLED.value
    )
    # A look-up for each: by their `OR` a database reads all endpoints of the tenant, those that
    # its calls have named included.
    look_ups = [enabled.where(endpoint.c.kind == EndpointKind.TENANT.value)]
    if campaigns:
        of_campaign = endpoint.c.kind == EndpointKind.CAMPAIGN.value
        look_ups.append(enabled.where(of_campaign, endpoint.c.campaign_id.in_(campaigns)))
    if named:
        look_ups.append(
            select(endpoint).where(
                unindexed(endpoint.c.tenant) == tenant,
                unindexed(endpoint.c.state) == EndpointState.ENABLED.value,
                endpoint.c.id.in_(named),
            )
        )
    rows = s.connection().execute(union_all(*look_ups)).mappings()
    return list({row["id"]: endpoint_of_row(row) for row in rows}.values())


def _concerns(to: Endpoint, event: OutboxEvent) -> bool:
    if to.kind is EndpointKind.TENANT:
        return True
    if to.kind is EndpointKind.CAMPAIGN:
        return to.campaign_id == event.campaign_id
    return to.id == event.endpoint_id


def _of_call(row: RowMapping, event_type: str) -> OutboxEvent:
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
    return OutboxEvent(
        event_type, f"call/{public_id}", data, row["campaign_id"], row["endpoint_id"]
    )


def _of_request(row: RowMapping, campaign: str, event_type: EventType) -> OutboxEvent:
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
        "status": event_type.value.removeprefix("call."),
        "outcome": row["outcome"],
        "detail": row["reason"],
        "context": row["recipient_context"] or {},
        "final": True,
    }
    subject = f"call/{row['public_id']}"
    return OutboxEvent(event_type.value, subject, data, endpoint_id=row["endpoint_id"])


def _name(row: RowMapping) -> str | None:
    return " ".join(filter(None, (row["first_name"], row["last_name"]))) or None


def _instant(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
