"""Webhooks of VozAgent: how they are checked and read.

docs.vozagent.ai names the events; what a delivery looks like, and what is done with the secret
`whsec_…` of a subscription, is in no document. Our choices: the URL registered at VozAgent is
`…/hooks/<line>/<webhook_secret>`; the event's name is read from `event` or `type`, the call
from `data`, `call` or the body itself, with the field names of the call's record. A delivery that
looks otherwise tells nothing, and the call is looked up when it has been silent for too long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from outdial.domain.call.event import CallEvent, EventKind
from outdial.domain.call.status import BOOKED
from outdial.providers.adapters.vozagent.report import events_of
from outdial.providers.adapters.vozagent.status import EVENT, STATUS
from outdial.providers.reports.instants import from_iso
from outdial.providers.reports.payload import object_at, object_in, text_at
from outdial.providers.reports.status_map import sharper

_BOOKED = frozenset({"appointment.booked", "appointment.rescheduled"})


def read(body: bytes, received_at: datetime) -> Sequence[CallEvent]:
    """The events in a verified webhook; empty when it is about nothing we follow.

    Raises WebhookRefused when the body is not a JSON object.
    """
    content = object_in(body)
    event = text_at(content, "event") or text_at(content, "type")
    told = object_at(content, "data") or object_at(content, "call") or content
    at = from_iso(text_at(content, "timestamp")) or received_at
    if event in _BOOKED:
        return _booked(event, text_at(told, "call_id"), at)
    named = EVENT.meaning_of(event)
    call_id = text_at(told, "call_id") or text_at(told, "id")
    if named.status is None or call_id is None:
        return ()
    meaning = sharper(named, STATUS.meaning_of(_status_in(told)))
    return events_of(call_id, told, meaning, at)


def _status_in(told: Mapping[str, Any]) -> str | None:
    return text_at(told, "call_status") or text_at(told, "status")


def _booked(event: str, call_id: str | None, at: datetime) -> Sequence[CallEvent]:
    if call_id is None:
        return ()
    return (
        CallEvent(
            event_id=f"{call_id}/{event}",
            kind=EventKind.ANALYSIS,
            provider_call_id=call_id,
            at=at,
            disposition=BOOKED,
            detail=event,
        ),
    )
