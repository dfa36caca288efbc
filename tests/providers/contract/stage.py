"""The far side of one provider: a small server that speaks its API, calls included.

To have an adapter tested by the contract, write `tests/providers/<name>/stage.py` with a
subclass of `Stage` that is called `STAGE`: `STAGE = TwilioStage`. The tests find it there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Self

from outdial.domain.call.placing import PlaceRequest
from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.port import LineConfig, Provider
from tests.providers.contract.server import Answer, FarServer, InProcess, Request

NUMBER = "+12025550143"
CALLER_ID = "+12025550999"
NOW = datetime(2027, 3, 1, 15, 30, tzinfo=UTC)
HOOK = "https://calls.example.com/hooks/main"
TALK = timedelta(minutes=5)
TALK_BEGAN = NOW - TALK

Endings = Mapping[str, Mapping[str, CallStatus | FailureClass]]
"""By the name of a map in `status.json`, words of it, and how a call that nobody answered ended."""


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class Fault(StrEnum):
    """What the far side does instead of answering the next create as it should."""

    THROTTLE = "throttle"  # too many at once; no call
    REJECT = "reject"  # this number is not dialed; no call
    UNAUTHORIZED = "unauthorized"  # the key is not accepted; no call
    DROP = "drop"  # makes the call, then breaks the connection
    HANG = "hang"  # makes the call, never answers
    FAIL = "fail"  # makes the call, answers 500
    GARBLE = "garble"  # makes the call, answers what nobody can read


REFUSALS = frozenset({Fault.THROTTLE, Fault.REJECT, Fault.UNAUTHORIZED})


@dataclass
class FarCall:
    """A call as the far side has it."""

    id: str
    to: str
    our_id: str | None
    """Our call id, read from where the adapter put it into the request."""
    webhook_url: str | None = None
    status: CallStatus = CallStatus.QUEUED
    history: list[CallStatus] = field(default_factory=list)
    ended_by_api: bool = False
    order: dict[str, Any] = field(default_factory=dict)
    """The body of the request that made it."""


@dataclass(frozen=True)
class Delivery:
    """A webhook as it arrives at our door."""

    headers: dict[str, str]
    body: bytes
    url: str = HOOK


class Stage(ABC):
    """A far side. A subclass says how its provider's API looks; the contract uses the rest."""

    provider_class: ClassVar[type[Provider]]
    steps: ClassVar[tuple[CallStatus, ...]]
    """What can be told of a call after `queued`, in order: the last is `completed`."""
    endings: ClassVar[Endings]
    """For each map of `status.json` whose words end a call, a word for every end that it knows. A
    class of failure stands for `failed`. After a talk, every such call was completed."""
    endless: ClassVar[frozenset[str]] = frozenset()
    """The other maps: who answered, answers to a placement, calls that go on."""
    unanswerable: ClassVar[frozenset[str]] = frozenset()
    """Maps of `endings` about calls that nobody can have answered, such as answers to a dial."""
    unserved: ClassVar[frozenset[str]] = frozenset()
    """Maps of `endings` about calls that were answered, and that no agent joined."""
    agent: ClassVar[str] = "agent-1"
    agent_settings: ClassVar[dict[str, Any]] = {}
    rejects: ClassVar[bool] = True
    """Refuses a number in a way that can be told from other mistakes."""
    throttle_wait: ClassVar[timedelta | None] = None
    """What the answer to a throttled create says of when to come back."""
    echoes: ClassVar[bool] = True
    """Our call id stands in every webhook."""
    same_ids: ClassVar[bool] = True
    """A look-up tells the same events, by id, as the webhooks did."""
    replay_window: ClassVar[timedelta | None] = None
    """How old a signature may be; None where signatures have no time."""
    future_window: ClassVar[timedelta | None] = None
    """How far ahead of our clock a signature may be, where that is another time."""
    signs_body: ClassVar[bool] = True
    """False where webhooks only carry a secret."""
    unknown_id: ClassVar[str] = "0190b5c4-0000-7c3e-9d44-000000000000"
    """An id as the provider makes them, of no call."""
    key: ClassVar[str] = "api_key"
    """Which credential the API is asked with."""
    secret_key: ClassVar[str] = "webhook_secret"
    """Which credential webhooks are checked with."""
    other_secret: ClassVar[str] = "another-secret"
    """A well-formed one that is not ours."""
    prefix: ClassVar[str] = ""
    """The path in the base URL."""

    def __init__(self) -> None:
        self.now = NOW
        self.calls: dict[str, FarCall] = {}
        self.requests: list[Request] = []
        self.creates = 0
        """Requests to dial, refused ones too."""
        self.faults: deque[Fault] = deque()
        self.outage = False
        """Answers 503 to everything."""
        self.locked = False
        """Accepts no key any more."""
        self.violations: list[str] = []
        """What requests did that the provider's published schema forbids; checked at the end."""
        self.lenient = False
        """Such a request is noted and answered 418. Otherwise it also fails at once, with what is
        wrong, where no connection is in between."""
        self.server: FarServer | None = None
        self.before_answer: Callable[[FarCall], None] = lambda call: None
        """Told of a call that was made, before the create is answered."""

    def on_connections(self) -> Self:
        """Be reached by real connections, which can be dropped, left hanging and refused."""
        self.server = FarServer(self._handle)
        return self

    async def __aenter__(self) -> Self:
        if self.server is not None:
            await self.server.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Refuse connections from now on, and break those there are."""
        if self.server is not None:
            await self.server.stop()

    @property
    def base_url(self) -> str:
        """Where its server is."""
        return "http://far.example.com" if self.server is None else self.server.base_url

    def line(self, **changes: Any) -> LineConfig:
        """A line at this far side."""
        return LineConfig(
            name="main",
            base_url=self.base_url + self.prefix,
            credentials=self.credentials(),
            options=self.options(),
            transport=InProcess(self._handle) if self.server is None else None,
        ).model_copy(update=changes)

    def order(self, **changes: Any) -> PlaceRequest:
        """A request to place a call."""
        return PlaceRequest(
            call_id="0190b5c4-77aa-7c3e-9d44-5f7d3c1e0001",
            to=NUMBER,
            caller_id=CALLER_ID,
            agent=self.agent,
            agent_settings=self.agent_settings,
            attempt=1,
            variables={"first_name": "Ada"},
            ring_timeout=timedelta(seconds=25),
            max_duration=timedelta(minutes=10),
            webhook_url=HOOK,
        ).model_copy(update=changes)

    def move(self, call: FarCall, *statuses: CallStatus) -> None:
        """Let a call go on; nobody is told."""
        for status in statuses:
            call.status = status
            call.history.append(status)

    async def _handle(self, request: Request) -> Answer:
        self.requests.append(request)
        dials = self.is_create(request)
        self.creates += dials
        if self.outage:
            return Answer(503)
        try:
            if self.locked:
                return self.refuse(Fault.UNAUTHORIZED)
            return self._create(request) if dials else self.answer(request)
        except Exception as exc:
            self.violations.append(f"{request.method} {request.path}: {exc!r}")
            if self.server is None and not self.lenient:
                raise
            return Answer(418)

    def _create(self, request: Request) -> Answer:
        fault = self.faults.popleft() if self.faults else None
        if fault in REFUSALS:
            self.check_create(request)
            return self.refuse(fault)
        call = self.create(request)
        self.calls[call.id] = call
        self.before_answer(call)
        broken = {
            Fault.DROP: Answer(0),
            Fault.HANG: Answer(None),
            Fault.FAIL: Answer(500),
            Fault.GARBLE: Answer(200, b"\xff{"),
        }
        return broken[fault] if fault is not None else self.created(call)

    def tells(self, status: CallStatus) -> bool:
        """Whether a look-up tells this status as such; some only tell that a call is over."""
        return True

    @abstractmethod
    def credentials(self) -> dict[str, str]: ...

    def options(self) -> dict[str, Any]:
        return {}

    @abstractmethod
    def is_create(self, request: Request) -> bool:
        """Whether this request dials."""

    @abstractmethod
    def check_create(self, request: Request) -> None:
        """Raise when the request is not as the provider's schema wants it."""

    @abstractmethod
    def create(self, request: Request) -> FarCall:
        """Check the request, and make the call."""

    @abstractmethod
    def created(self, call: FarCall) -> Answer:
        """The answer to a create that was carried out."""

    @abstractmethod
    def refuse(self, fault: Fault) -> Answer:
        """The answer to a create that was not carried out: one of `REFUSALS`."""

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """The answer to any other request, checked against the schema."""

    def call_url(self, url: str, call_id: str) -> str:
        """Where the reports of one call go, by the URL of the line: most go to that itself."""
        return url

    @abstractmethod
    def ending_reports(self, call_id: str, field: str, word: str, *, talked: bool) -> Iterator[Any]:
        """What is reported of a call that ends with this word of a map: JSON, or a body in bytes;
        an event where the answer to the dial reports the end. With the facts of a talk, or none.
        """

    @abstractmethod
    def deliver(
        self, call: FarCall, status: CallStatus, *, sent_at: datetime = NOW
    ) -> Delivery | None:
        """The webhook about a status, signed at an instant; None where there is none.

        Sent again later, it is the same report with a newer signature.
        """

    @abstractmethod
    def signed(self, body: bytes, *, url: str = HOOK, sent_at: datetime = NOW) -> Delivery:
        """Any report as it comes to the URL that this provider was given, signed at an instant."""

    @abstractmethod
    def deliver_unheard_of(self, call: FarCall) -> Delivery | None:
        """A webhook with a status or a reason that is in no document."""
