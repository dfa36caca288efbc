"""The network's misbehaviour on demand: which request or webhook goes wrong, and how.

A choice depends on the seed, the number and how often that number was called, never on the
order in which requests of different numbers arrive: a run can be repeated.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Route(StrEnum):
    CREATE = "create"
    GET = "get"
    LIST = "list"
    END = "end"


class RequestFault(StrEnum):
    """What goes wrong with a request. The first three happen before it is carried out."""

    THROTTLE = "throttle"
    """429 with Retry-After; nothing happened."""
    REFUSE = "refuse"
    """503 whose body says that nothing happened."""
    DROP_REQUEST = "drop_request"
    """The connection closes without an answer; nothing happened, and nobody can tell."""
    FAIL_AFTER = "fail_after"
    """Carried out, then 503."""
    DROP_RESPONSE = "drop_response"
    """Carried out, then the connection closes without an answer."""
    HANG = "hang"
    """Carried out, and no answer ever comes."""
    DELAY = "delay"
    """Carried out, and answered `delay_response_s` later: webhooks overtake the answer."""
    GARBLE = "garble"
    """Carried out, and answered with a body nobody can read."""


class WebhookFault(StrEnum):
    LOSE = "lose"
    """Never sent."""
    REPEAT = "repeat"
    """Sent, and once more after the call's next event (or at once when there is none)."""
    REORDER = "reorder"
    """Sent after the call's next event. A call's last event is never held back."""


_Fault = TypeVar("_Fault", RequestFault, WebhookFault)


def _at_most_one(rates: dict[_Fault, float]) -> dict[_Fault, float]:
    if any(rate < 0 for rate in rates.values()) or sum(rates.values()) > 1:
        raise ValueError(f"probabilities are 0 or above and add up to at most 1, got {rates}")
    return rates


class PlannedFault(BaseModel):
    """The next `times` requests to a route (to a number, if one is named) go wrong this way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: RequestFault
    route: Route = Route.CREATE
    number: str | None = None
    times: int = Field(default=1, ge=1)


class PlannedWebhookFault(BaseModel):
    """The next `times` events (of a type, of a number, if named) go wrong this way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: WebhookFault
    event: str | None = None
    """An event type such as `call.completed`."""
    number: str | None = None
    times: int = Field(default=1, ge=1)


_Planned = TypeVar("_Planned", PlannedFault, PlannedWebhookFault)


class FaultSettings(BaseModel):
    """How the network misbehaves; by default not at all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    routes: dict[Route, Annotated[dict[RequestFault, float], AfterValidator(_at_most_one)]] = Field(
        default_factory=dict
    )
    """By route, the probability of each fault."""
    webhooks: Annotated[dict[WebhookFault, float], AfterValidator(_at_most_one)] = Field(
        default_factory=dict
    )
    """The probability of each fault for one event."""
    silent: float = Field(default=0.0, ge=0, le=1)
    """The probability that a call sends no webhooks at all."""
    silent_numbers: frozenset[str] = frozenset()
    numbers: dict[str, list[RequestFault | None]] = Field(default_factory=dict)
    """By number: what goes wrong with the 1st, 2nd, … create; after the list, nothing."""
    next: list[PlannedFault] = Field(default_factory=list)
    next_webhooks: list[PlannedWebhookFault] = Field(default_factory=list)
    retry_after_s: float = Field(default=1.0, ge=0)
    delay_response_s: float = Field(default=0.5, ge=0)


class FaultPlan:
    """Decides, request by request and event by event, what goes wrong."""

    def __init__(self, settings: FaultSettings) -> None:
        self._settings = settings
        self._counts: Counter[tuple[Route, str]] = Counter()

    @property
    def settings(self) -> FaultSettings:
        """The settings as they are now: planned faults that happened are gone."""
        return self._settings

    def configure(self, settings: FaultSettings) -> None:
        self._settings = settings

    def for_request(self, route: Route, key: str) -> RequestFault | None:
        """What goes wrong with a request; `key` is the number it is about, or an id."""
        self._counts[route, key] += 1
        nth = self._counts[route, key]
        settings = self._settings
        for planned in settings.next:
            if planned.route is route and planned.number in (None, key):
                self._settings = settings.model_copy(
                    update={"next": _spend(settings.next, planned)}
                )
                return planned.fault
        if route is Route.CREATE and key in settings.numbers:
            listed = settings.numbers[key]
            return listed[nth - 1] if nth <= len(listed) else None
        return _choose(settings.routes.get(route, {}), f"{settings.seed}|{route}|{key}|{nth}")

    def for_event(self, number: str, nth: int, event: str) -> WebhookFault | None:
        """What goes wrong with an event of the nth call to a number."""
        settings = self._settings
        for planned in settings.next_webhooks:
            if planned.event in (None, event) and planned.number in (None, number):
                self._settings = settings.model_copy(
                    update={"next_webhooks": _spend(settings.next_webhooks, planned)}
                )
                return planned.fault
        return _choose(settings.webhooks, f"{settings.seed}|{event}|{number}|{nth}")

    def silences(self, number: str, nth: int) -> bool:
        """Whether the nth call to a number sends no webhooks."""
        settings = self._settings
        if number in settings.silent_numbers:
            return True
        key = f"{settings.seed}|silent|{number}|{nth}"
        return settings.silent > 0 and _part(key) < settings.silent


def _spend(plan: list[_Planned], spent: _Planned) -> list[_Planned]:
    left = list(plan)
    position = left.index(spent)
    if spent.times > 1:
        left[position] = spent.model_copy(update={"times": spent.times - 1})
    else:
        del left[position]
    return left


def _choose(rates: Mapping[_Fault, float], key: str) -> _Fault | None:
    if not rates:
        return None
    left = _part(key)
    for fault in sorted(rates):
        left -= rates[fault]
        if left < 0:
            return fault
    return None


def _part(key: str) -> float:
    """A number from 0 up to 1 that depends on nothing but the key."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64
