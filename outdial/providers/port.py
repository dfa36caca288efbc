"""The interface of voice providers, and the values that it takes and gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

import httpx
from pydantic import BaseModel, ConfigDict, Field

from outdial.domain.call.event import CallEvent, CallSnapshot
from outdial.domain.call.placing import PlaceRequest
from outdial.domain.egress import Egress
from outdial.providers.carried import CallSettings, Carried, NotCarried
from outdial.providers.reach import reaching
from outdial.providers.tools import GenericTools, ToolFormat


class Capabilities(BaseModel):
    """What a provider can and cannot do, as data; the call workflow adapts to it."""

    model_config = ConfigDict(frozen=True)

    can_look_up: bool
    """A call can be asked for by the provider's id."""
    can_find: bool
    """A call can be found by our id, so a lost response can be settled."""
    can_end: bool
    reports_ringing: bool
    sends_webhooks: bool
    sends_analysis: bool
    """Transcript, disposition or price come some time after the end."""
    idempotent_create: bool
    listing_lag: timedelta = timedelta(0)
    """How long a call that was made may be missing from lookups and lists."""
    idempotency_window: timedelta | None = None
    """How long a repeated create is known as such; None with `idempotent_create`: for ever."""
    bounds_duration: bool = False
    """How long a call may last goes along with the order, and the provider keeps to it."""
    echo: str | None = None
    """Where our call id comes back."""
    calls_per_second: float | None = None
    """What an account may dial unless the provider raised it; beyond it calls wait or fail."""
    concurrent_calls: int | None = None
    """What an account may have open unless the provider raised it."""

    @property
    def unbounded(self) -> bool:
        """Whether only the provider's own agent ends a call that lasts too long."""
        return not (self.bounds_duration or self.can_end)


class Placed(BaseModel):
    model_config = ConfigDict(frozen=True)

    provider_call_id: str
    events: tuple[CallEvent, ...] = ()
    """What the response already reports of the call, such as that the line is busy."""


class LineConfig(BaseModel):
    """What an adapter is built from: one configured account."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    name: str
    base_url: str | None = None
    credentials: dict[str, str] = Field(default_factory=dict, repr=False)
    options: dict[str, Any] = Field(default_factory=dict)
    currency: str | None = None
    """Of its prices; None: it has none."""
    request_timeout: timedelta = timedelta(seconds=10)
    egress: Egress = Egress()
    transport: httpx.AsyncBaseTransport | None = Field(default=None, exclude=True, repr=False)
    """What carries its requests in place of connections."""


class WebSession(BaseModel):
    """What a browser needs to talk to an agent."""

    model_config = ConfigDict(frozen=True)

    url: str
    """Where its client connects to, by WebSocket."""
    token: str = Field(repr=False)
    room: str


class WebhookReader(ABC):
    """Verifies and reads the webhooks of one line."""

    def __init__(self, line: LineConfig) -> None:
        self.line = line

    @abstractmethod
    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: datetime) -> None:
        """Raise `WebhookRefused` unless the provider signed exactly this, recently."""

    @abstractmethod
    def read(self, body: bytes, url: str, received_at: datetime) -> Sequence[CallEvent]:
        """The events in a verified webhook; empty when it is about nothing we follow.

        `url` is where it was sent to, in full: some providers echo our id there alone.
        `received_at` is when an event happened that has no time of its own. Raises WebhookRefused
        when the body is no report of the provider.
        """


class Provider(ABC):
    """A voice platform. Implementations never retry `place` by themselves."""

    name: ClassVar[str]
    reader: ClassVar[type[WebhookReader]]
    """What verifies and reads its webhooks."""
    capabilities: ClassVar[Capabilities]
    notes_departure: ClassVar[bool] = False
    """What dials goes through `providers.http.departure`, so that it is known whether it left."""
    carried: ClassVar[Carried]
    """Which settings of a call go along with the order."""

    speech_settings: ClassVar[frozenset[str]] = frozenset()
    """Settings of an agent that change what it says and how it sounds, and nothing else, unless
    something within them names another system."""
    free_form_settings: ClassVar[frozenset[str]] = frozenset()
    """Those of them that hold values for the agent alone, under names of the customer's."""

    def __init__(self, line: LineConfig) -> None:
        self.line = line
        self.webhooks = self.reader(line)

    def beyond_speech(self, agent_id: str | None, settings: Mapping[str, Any]) -> list[str]:
        """What of an agent could change whom a call reaches, what it shows or where its data
        goes. Every setting that is not listed as harmless may, and so does a harmless one within
        which an address, a server or an implementation of one's own is named. Without an id,
        settings alone."""
        beyond = {f"settings.{name}" for name in set(settings) - self.speech_settings}
        for name in set(settings) & (self.speech_settings - self.free_form_settings):
            beyond.update(reaching(f"settings.{name}", settings[name]))
        return sorted(path[:60] for path in beyond)

    @abstractmethod
    async def place(self, request: PlaceRequest) -> Placed:
        """Dial once.

        Raises a `NotPlaced` when certainly no call was made, `PlacementUnknown` otherwise.
        """

    @abstractmethod
    async def look_up(self, provider_call_id: str) -> CallSnapshot | None:
        """A call as the provider has it; None when it has no such call."""

    @abstractmethod
    async def find(self, call_id: str, *, to: str, since: datetime) -> CallSnapshot | None:
        """Find a call by our id among those made since an instant; None when there is none."""

    @abstractmethod
    async def end(self, provider_call_id: str) -> None:
        """Hang up. Ending a call that is already over is not an error."""

    @abstractmethod
    async def check(self) -> str:
        """Prove credentials and reachability without dialing; a sentence for people."""

    def verify_sender(
        self, headers: Mapping[str, str], body: bytes, url: str, now: datetime
    ) -> None:
        """Raise `WebhookRefused` unless the provider signed exactly this, recently, and it came
        from where the line allows."""
        self.webhooks.verify(headers, body, url, now)

    def admit_visitor(
        self, session_id: str, agent: str, context: Mapping[str, Any], now: datetime
    ) -> WebSession | None:
        """Admit one browser to a room in which the agent speaks; None where browsers can't call.

        Nothing is sent: the room is made when the browser comes.
        """
        return None

    def tools(self) -> ToolFormat:
        """The format of tool calls of this line's agents; the generic one unless overridden."""
        return GenericTools(self.line.credentials.get("tool_secret"))

    def refused(self, requested: CallSettings) -> Iterable[NotCarried]:
        """The settings that would be dropped or changed on this line; none where all go along."""
        return self.carried.refuse(requested, self.line.name, self.name)

    async def aclose(self) -> None:
        """Close connections."""
        return None
