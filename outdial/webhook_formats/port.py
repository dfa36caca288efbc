"""How webhooks out are written and signed: one dialect a scheme, so that the client libraries of
each vendor can read and verify ours."""

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
    """Something that happened, as it stands in the outbox."""

    id: str
    """The same for every try."""
    type: str
    at: datetime
    data: dict[str, Any]
    payload: str
    """All of it as JSON text, as it was written down."""


@dataclass(frozen=True)
class Message:
    """A request, less its URL; the body goes out as it is."""

    headers: dict[str, str]
    body: str


class Dialect(ABC):
    """Writes events as one scheme has them."""

    name: ClassVar[str]
    several_signatures: ClassVar[bool] = False
    """Whether a request carries a signature for each valid secret while a rotation lasts. Where it
    can carry one only, `to.secret` is the one to sign with."""

    @abstractmethod
    def write(self, event: Event, to: Endpoint, now: datetime) -> Message | None:
        """The request that tells this event; None when the scheme has no such event."""


def read_event(event_id: str, payload: str) -> Event:
    told = json.loads(payload)
    return Event(
        id=event_id,
        type=told["type"],
        at=datetime.fromisoformat(told["timestamp"]),
        data=told["data"],
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
