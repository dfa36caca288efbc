"""How one recipient is to be called: what a campaign says, or a single request for a call."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from outdial.domain.bounds import AGENT_SETTINGS, FREE_FORM, REQUEST, OutOfBounds, require_within
from outdial.domain.call.disposition import slug_of
from outdial.domain.definition.campaign import (
    AcceptedRisk,
    Agent,
    CalendarRules,
    Callback,
    CampaignDefinition,
    Purpose,
    Retry,
    Schedule,
)
from outdial.domain.definition.caps import Cap
from outdial.domain.definition.fields import Duration, Timestamp, format_duration
from outdial.domain.definition.frozen import without_memory
from outdial.domain.line.routing import LineShare
from outdial.domain.rules.consent import Consent, ConsentLevel


class CallPlan(BaseModel):
    """Everything the claim, the fence and the settlement need to know beyond the recipient."""

    model_config = ConfigDict(frozen=True)

    purpose: Purpose
    line: str
    """Of several, the first."""
    lines: tuple[LineShare, ...] = ()
    """With their weights; none: `line` alone."""
    agent: Agent
    caller_ids: tuple[str, ...] = ()
    schedule: Schedule = Schedule()
    retry: Retry = Retry()
    caps: tuple[Cap, ...] = ()
    consent: ConsentLevel | None = None
    """Demanded of everybody, whatever the rules ask for."""
    accept_risk: tuple[AcceptedRisk, ...] = ()
    max_duration: Duration = timedelta(minutes=10)
    ring_timeout: Duration = timedelta(seconds=30)
    recording: bool | None = None
    calendar: CalendarRules | None = None
    callbacks: tuple[Callback, ...] = ()

    @classmethod
    def of(cls, definition: CampaignDefinition) -> CallPlan:
        """The plan of a definition whose lines are known. Raises ValueError for one without."""
        if not definition.line:
            raise ValueError(f"{definition.name} names no line, and none was chosen for it")
        return cls(
            purpose=definition.purpose,
            line=definition.line[0].name,
            lines=definition.line,
            agent=definition.agent,
            caller_ids=definition.caller_ids,
            schedule=definition.schedule,
            retry=definition.retry,
            caps=definition.caps,
            consent=definition.consent,
            accept_risk=definition.accept_risk,
            max_duration=definition.max_duration,
            ring_timeout=definition.ring_timeout,
            recording=definition.recording,
            calendar=definition.calendar,
            callbacks=definition.callbacks,
        )

    @cached_property
    def derived(self) -> dict[Any, Any]:
        """What decisions under this plan remember; it goes when the plan does."""
        return {}

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        return without_memory(super().model_copy(update=update, deep=deep))

    def guard(self) -> timedelta:
        """How long before the end of a window no call starts any more."""
        guard = self.schedule.guard
        return max(guard, self.ring_timeout) if guard else guard

    @property
    def shares(self) -> tuple[LineShare, ...]:
        """Its lines, at least one."""
        return self.lines or (LineShare(name=self.line),)

    def told_lines(self) -> str:
        """`line main`, or `lines main, spare`, for people."""
        names = [share.name for share in self.shares]
        return f"line{'s' if len(names) > 1 else ''} {', '.join(names)}"

    def agent_on(self, line: str) -> Agent:
        """Who speaks on one of its lines."""
        share = self._share(line)
        return (share and share.agent) or self.agent

    def caller_ids_on(self, line: str) -> tuple[str, ...]:
        share = self._share(line)
        return (share and share.caller_ids) or self.caller_ids

    def _share(self, line: str) -> LineShare | None:
        return next((share for share in self.lines if share.name == line), None)

    def dispositions(self) -> frozenset[str]:
        """Slugs of the dispositions that its callbacks ask for."""
        asked = (word for callback in self.callbacks for word in callback.when.disposition)
        return frozenset(slug for slug in map(slug_of, asked) if slug is not None)


DURATIONS = {
    "max_duration": (timedelta(seconds=1), timedelta(hours=4), "1s and 4h"),
    "ring_timeout": (timedelta(seconds=1), timedelta(minutes=10), "1s and 10m"),
}
"""What a call may last and ring, whoever asks for it: a leaked key must not talk for a year."""


class CallRequest(BaseModel):
    """One call asked for by another service, with a policy of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    to: str
    """E.164."""
    agent: Agent
    purpose: Purpose = Purpose.INFORMATIONAL
    line: str | None = None
    """Without it: `default_line` of the settings, else the only real line there is."""
    caller_id: str | None = None
    variables: dict[str, str] = Field(default_factory=dict)
    time_zone: str | None = None
    state: str | None = None
    postal_code: str | None = None
    """Where the person is, beside what the number tells."""
    not_before: Timestamp | None = None
    schedule: Schedule = Schedule()
    retry: Retry = Retry()
    caps: tuple[Cap, ...] = ()
    consent: Consent | None = None
    """What the person has consented to."""
    accept_risk: tuple[AcceptedRisk, ...] = ()
    max_duration: Duration = timedelta(minutes=10)
    ring_timeout: Duration = timedelta(seconds=30)
    recording: bool | None = None
    context: dict[str, Any] = Field(default_factory=dict)
    """Returned as it came; ours to keep, never to read."""

    def require_bounded(self) -> None:
        """Raises OutOfBounds unless everything in it can be stored, answered and sent on, and the
        call rings and talks for a time that a call may."""
        require_within(self.context, FREE_FORM, ("context",))
        require_within(self.variables, FREE_FORM, ("variables",))
        require_within(self.agent.settings, AGENT_SETTINGS, ("agent", "settings"))
        require_within(self.model_dump(exclude={"context", "variables", "agent"}), REQUEST)
        for name, (low, high, words) in DURATIONS.items():
            found = getattr(self, name)
            if not low <= found <= high:
                problem = f"found {format_duration(found)}; write a duration between {words}"
                raise OutOfBounds((name,), problem)

    def plan(self) -> CallPlan:
        """Raises ValueError while no line is chosen."""
        if self.line is None:
            raise ValueError("the request names no line, and none was chosen for it")
        return CallPlan(
            purpose=self.purpose,
            line=self.line,
            agent=self.agent,
            caller_ids=(self.caller_id,) if self.caller_id else (),
            schedule=self.schedule,
            retry=self.retry,
            caps=self.caps,
            accept_risk=self.accept_risk,
            max_duration=self.max_duration,
            ring_timeout=self.ring_timeout,
            recording=self.recording,
        )
