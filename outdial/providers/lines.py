"""Lines: configured accounts, each with its adapter and its limits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from outdial.domain.call.disposition import LONGEST_TEXT, slug_of
from outdial.domain.call.event import CallEvent, EventKind
from outdial.domain.definition.matching import value_at
from outdial.domain.line.breaker import BreakerPolicy
from outdial.domain.line.routing import SIMULATED, UnknownLine, choose_line
from outdial.domain.money.amount import Amount
from outdial.domain.money.price import INCREMENT, LinePrice
from outdial.domain.record import DEFAULT_TENANT

if TYPE_CHECKING:
    from outdial.providers.port import Provider

DISPOSITION = "disposition"
_NAMES = {"event_id", "kind", "call_id", "provider_call_id", "at"}
"""Fields that don't distinguish what two reports say. The time is among them: a repeated report may
have only that of its arrival."""
_PLAIN = {"status", "detail"}
"""A report of a call that goes on has no more than these."""


class NoLineChosen(UnknownLine):
    """No line was named, and there is no default among several."""

    code = "no_line_chosen"

    def __init__(self, configured: Iterable[str]) -> None:
        super().__init__("", configured)

    def __str__(self) -> str:
        if not self.configured:
            return "no line is configured; write a table [lines.NAME] in the settings"
        return (
            f"line: none was named, and there are {', '.join(self.configured)}; "
            "name one of them, or set default_line in the settings"
        )


class ResultMapping(BaseModel):
    """Under which names and words a line's agents give their results, where these are not ours.

    Agents should extract `disposition`, `call_at` and `appointment_at`. One that was built for
    something else has its own names and words; a line says once which is which.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fields: dict[str, str] = Field(default_factory=dict)
    """Our name for a value, and the path at which the agent's data holds it."""
    dispositions: dict[str, str] = Field(default_factory=dict)
    """The agent's word for how a talk went, and ours."""

    def read(self, event: CallEvent) -> CallEvent:
        """The event with its values under our names; what it had stays."""
        if not (self.fields or self.dispositions):
            return event
        changes: dict[str, Any] = {}
        values = {name: value_at(event.structured, path) for name, path in self.fields.items()}
        named = {name: value for name, value in values.items() if value is not None}
        if named:
            changes["structured"] = {**event.structured, **named}
        word = named.get(DISPOSITION, event.disposition)
        if isinstance(word, str) and 0 < len(word.strip()) <= LONGEST_TEXT:
            changes["disposition"] = self._ours(word.strip())
        return event.model_copy(update=changes)

    def _ours(self, word: str) -> str:
        """Our word for the agent's, which may spell its own in several ways."""
        ours = self.dispositions.get(word)
        slug = slug_of(word)
        if ours is None and slug is not None:
            alike = (o for theirs, o in self.dispositions.items() if slug_of(theirs) == slug)
            ours = next(alike, None)
        return word if ours is None else slug_of(ours) or ours


class LinePolicy(BaseModel):
    """How a line is used: its limits, and how long reports are waited for."""

    model_config = ConfigDict(frozen=True)

    max_concurrent: int = 25
    per_second: float = 10.0
    caller_ids: tuple[str, ...] = ()
    cost_per_minute: Amount | None = None
    """What a minute of talk costs."""
    cost_per_call: Amount | None = None
    """What each call costs besides, answered or not."""
    billing_increment: timedelta = INCREMENT
    """A talk is billed in whole multiples of it."""
    placement_timeout: timedelta = timedelta(seconds=20)
    """From the fence to the last instant at which the request may still be under way."""
    ring_silence: timedelta = timedelta(seconds=60)
    """Look the call up when no report came for so long, before it is answered."""
    talk_silence: timedelta = timedelta(minutes=2)
    """The same, once it is answered."""
    analysis_wait: timedelta = timedelta(seconds=30)
    """Look the analysis up when it has not come by then; settle without it if there is none."""
    breaker: BreakerPolicy = BreakerPolicy()
    """When the line is taken out of service, and how it is tried again."""
    results: ResultMapping = ResultMapping()
    """Where the line's agents put their results."""

    @property
    def price(self) -> LinePrice | None:
        """None: the settings name none."""
        return LinePrice.of(self.cost_per_minute, self.cost_per_call, self.billing_increment)


class Line:
    """A configured account at a provider. It belongs to one tenant, so its limits do too."""

    def __init__(
        self, name: str, provider: Provider, policy: LinePolicy, *, tenant: str = DEFAULT_TENANT
    ) -> None:
        self.name = name
        self.provider = provider
        self.policy = policy
        self.tenant = tenant

    def receive(
        self, headers: Mapping[str, str], body: bytes, url: str, now: datetime
    ) -> list[CallEvent]:
        """Verify a webhook and read the events in it.

        Raises WebhookRefused when it is not the provider's, or no report.
        """
        self.provider.verify_sender(headers, body, url, now)
        return self.normalize(self.provider.webhooks.read(body, url, now))

    def normalize(self, events: Sequence[CallEvent]) -> list[CallEvent]:
        """Take reported events as all lines give them: an end is named by the facts in the report,
        the id is shared only by reports that say the same, and the agent's results stand under the
        names that campaigns use."""
        return [self.policy.results.read(identified(event.by_facts())) for event in events]

    @property
    def simulated(self) -> bool:
        """Whether it leads to the simulated network, where nobody's telephone rings."""
        return self.provider.name == SIMULATED

    @property
    def awaits_analysis(self) -> bool:
        return self.provider.capabilities.sends_analysis


def simulated_note(line: str) -> str:
    """What people are to know of a line that leads to no telephone."""
    return f"line {line} is the simulated network: nobody's telephone rings"


class Lines(Mapping[str, Line]):
    """All configured lines by name."""

    def __init__(self, lines: list[Line], *, default: str | None = None) -> None:
        self._lines = {line.name: line for line in lines}
        self.default = default
        """The line of whatever names none."""

    def __getitem__(self, name: str) -> Line:
        try:
            return self._lines[name]
        except KeyError:
            raise UnknownLine(name, sorted(self._lines)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def of_tenant(self, tenant: str) -> Lines:
        """The lines that a tenant may use."""
        return Lines(
            [line for line in self._lines.values() if line.tenant == tenant], default=self.default
        )

    def choose(self, named: str | None) -> str:
        """The line to call on, by `domain.line.routing.choose_line`; ask it of one tenant's lines.

        Raises UnknownLine for one that is not there, NoLineChosen when none can be chosen.
        """
        simulated = {name: line.simulated for name, line in self._lines.items()}
        chosen = choose_line(named, simulated, self.default)
        if chosen is None:
            raise NoLineChosen(sorted(self._lines))
        return self[chosen].name

    async def aclose(self) -> None:
        for line in self._lines.values():
            await line.provider.aclose()


def identified(event: CallEvent) -> CallEvent:
    """The event under an id that it shares only with reports that say the same.

    Most providers don't number their reports, so an adapter names an event after its call and what
    it is about: the end, the analysis. Two reports of one end may differ, as when a look-up knows
    less than the webhook that follows, or an analysis grows. Under one name the second would be
    dropped as a repetition, so a digest of what a report says is made part of its name.
    """
    facts = event.model_dump(mode="json", exclude=_NAMES, exclude_defaults=True)
    ends = event.status is not None and event.status.terminal
    if not ends and event.kind is EventKind.STATUS and facts.keys() <= _PLAIN:
        return event
    text = json.dumps(facts, sort_keys=True, ensure_ascii=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return event.model_copy(update={"event_id": f"{event.event_id}#{digest}"})
