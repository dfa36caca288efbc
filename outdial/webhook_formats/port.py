"""Webhook format: how outgoing webhooks are written and signed. There is one for each scheme, so
that the client libraries of each vendor can read and verify our webhooks."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from outdial.domain.endpoint import Endpoint

USER_AGENT = "Outdial-Webhooks/1"


@dataclass(frozen=True)
class Event:
    """An event as it is stored in the outbox."""

    id: str
    """The same in every delivery attempt."""
    type: str
    at: datetime
    data: dict[str, Any]
    payload: str
    """The whole event as the JSON text in the outbox."""


@dataclass(frozen=True)
class Message:
    """A request without its URL; the body is sent unchanged."""

    headers: dict[str, str]
    body: str


class WebhookFormat(ABC):
    """Writes events in one scheme."""

    name: ClassVar[str]
    several_signatures: ClassVar[bool] = False
    """Whether a request carries a signature for each valid secret while a rotation lasts. Where it
    can carry one only, `to.secret` is the one to sign with."""

    @abstractmethod
    def write(self, event: Event, to: Endpoint, now: datetime) -> Message | None:
        """The request that delivers this event; None when the scheme has no such event."""


def read_event(event_id: str, payload: str) -> Event:
    event = json.loads(payload)
    return Event(
        id=event_id,
        type=event["type"],
        at=datetime.fromisoformat(event["timestamp"]),
        data=event["data"],
        payload=payload,
    )


def compact(value: Any) -> str:
    """JSON as JavaScript's `JSON.stringify` writes it: some vendors' clients sign what they have
    parsed and written again. Whole numbers have no point, and nothing is escaped needlessly."""
    return json.dumps(_whole(value), ensure_ascii=False, separators=(",", ":"))


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_whole(item) for item in value]
    return value
