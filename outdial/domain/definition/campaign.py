"""The campaign definition: the YAML file as a value.

Unknown keys are errors. Positions in the file are added by the reader in `intake`. The
docstring under a field is what an editor shows for its key.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, WithJsonSchema, field_validator

from outdial.domain.appointment.calendar import CalendarRules
from outdial.domain.call.retry import MAX_ATTEMPTS, OutcomeRetry, Retry
from outdial.domain.definition.agent import Agent, AgentById
from outdial.domain.definition.callbacks import MAX_CALLBACKS, Callback
from outdial.domain.definition.caps import Cap
from outdial.domain.definition.fields import Duration, Frozen, OneOrMany, format_duration
from outdial.domain.definition.purpose import Purpose
from outdial.domain.definition.schedule import Schedule, TimeZonePolicy, Weekday
from outdial.domain.definition.source import CsvColumns, CsvSource, InlineRecipient, RecipientSource
from outdial.domain.endpoint import EVERY_EVENT, require_events
from outdial.domain.hints import KEYS_BELOW, TEXT, Hint
from outdial.domain.line.routing import CallerIds, LineShare, LineShares
from outdial.domain.rules.consent import ConsentLevel

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"
MAX_WEBHOOKS = 20
"""Every event is written once for each."""
MAX_IN_FLIGHT = 1000
"""Calls one campaign may hold open: half the server's limit of pending children."""
MAX_PER_MINUTE = 60_000


def _name_like(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-")


class Pacing(Frozen):
    """How fast."""

    max_concurrent: Annotated[int, Field(ge=1, le=MAX_IN_FLIGHT)] = 10
    """How many calls may be open at the same time."""
    per_minute: Annotated[int, Field(ge=1, le=MAX_PER_MINUTE)] | None = None
    """How many calls may start in a minute; without it only the line limits them."""


class AcceptedRisk(Frozen):
    """A calling rule that is set aside. It is noted with every decision."""

    rule: Annotated[str, Field(min_length=1), Hint("write the id of a rule, such as US-FL.hours")]
    """The rule's id, such as US-FL.hours; `outdial rules` lists them."""
    reason: Annotated[str, Field(min_length=10), Hint("write why, in ten characters or more")]
    """Why it does not bind this campaign, for whoever asks later."""


class WebhookTarget(Frozen):
    """A URL that is told of a campaign by signed webhooks."""

    url: Annotated[
        str,
        Field(pattern=r"^https?://[^\s]+$", max_length=2000),
        Hint("write a URL such as https://example.com/hooks"),
    ]
    """Where to, such as https://example.com/hooks."""
    events: Annotated[
        OneOrMany[str],
        Hint("write an event such as call.completed, a list of them, or leave it out"),
    ] = (EVERY_EVENT,)
    """What it is told of, such as call.completed; without it, of everything."""

    @field_validator("events")
    @classmethod
    def _known_events(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return require_events(value)


class CampaignDefinition(Frozen):
    """One campaign: whom to call, through which line, when, how often, and what then."""

    name: Annotated[
        str,
        Field(pattern=NAME_PATTERN),
        Hint(
            "write a name such as spring-reminder: a-z, 0-9, - and _, at most 63 of them",
            suggest=_name_like,
        ),
    ]
    """Names the campaign for good: lowercase letters, digits, - and _."""
    description: Annotated[str | None, TEXT] = None
    """For people."""
    purpose: Purpose
    """informational or telemarketing; it can't be changed once the campaign is launched."""
    line: Annotated[
        LineShares | None,
        Hint("write the name of a configured line, such as simulated, or a list of lines"),
    ] = None
    """The configured line to call through, or several with weights. Without it: `default_line` of
    the settings, else the only real line there is. `simulated` is the built-in telephone
    network."""
    agent: Annotated[AgentById, Hint("write the agent's id, or its id and settings below it")]
    """Who speaks: an agent's id, or its id and settings."""
    caller_ids: CallerIds = ()
    """The number shown to the person called; of several, each in turn. Default: the line's."""
    recipients: RecipientSource
    """Whom to call: a contact file, or a list written here."""
    variables: Annotated[
        dict[
            str, Annotated[str, Hint('write a template in quotes, such as "Hi {{ first_name }}"')]
        ],
        Hint('write names and templates below it, such as greeting: "Hi {{ first_name }}"'),
    ] = Field(default_factory=dict)
    """Templates (Jinja2, sandboxed) over a recipient's own values. What they give is handed to
    the agent together with the recipient's own variables."""
    schedule: Annotated[Schedule, Hint(f"{KEYS_BELOW}, such as hours: 09:00-18:00")] = Schedule()
    """When people may be called."""
    pacing: Annotated[Pacing, Hint(f"{KEYS_BELOW}, such as max_concurrent: 20")] = Pacing()
    """How fast."""
    retry: Annotated[Retry, Hint(f"{KEYS_BELOW}, such as busy: {{delays: 10m}}")] = Retry()
    """When to try again. An outcome without an entry here is not tried again."""
    caps: Annotated[
        tuple[Cap, ...], Hint("write a list of caps, such as - {calls: 3, within: 24h}")
    ] = ()
    """How often one person may be called, over all campaigns together; the rules' own caps hold
    beside these."""
    consent: ConsentLevel | None = None
    """Demand such consent of every row; the rules demand it by themselves where it is needed."""
    accept_risk: Annotated[
        tuple[AcceptedRisk, ...],
        Hint("write a list of rules with reasons, such as - {rule: US-FL.hours, reason: why}"),
    ] = ()
    """Calling rules that are set aside, each with the reason why they don't bind this campaign."""
    max_duration: Duration = timedelta(minutes=10)
    """A call is ended after this time, from 1s to 4h."""
    ring_timeout: Duration = timedelta(seconds=30)
    """How long it may ring, from 1s to 10m."""
    recording: bool | None = None
    """Whether calls are recorded. A line that can't be told so refuses it. Default: not, where the
    line can be told so without losing anything else; elsewhere as its agent is set up."""
    calendar: Annotated[CalendarRules | None, Hint(f"{KEYS_BELOW}, such as name: clinic")] = None
    """The calendar in which calls book, move, cancel and confirm appointments."""
    callbacks: Annotated[
        tuple[Callback, ...],
        Hint("write a list, such as - {do: suppress, when: {disposition: wrong_number}}"),
    ] = ()
    """What follows a call, in order."""
    webhooks: Annotated[
        tuple[WebhookTarget, ...],
        Hint("write a list of URLs, such as - {url: https://example.com/hooks}"),
    ] = ()
    """URLs that are told of this campaign and its calls."""
    budget: Annotated[
        dict[str, Any] | None,
        WithJsonSchema({"type": "null"}),
        Hint("leave it out, it is not supported yet"),
    ] = None
    """Not supported yet."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The names of its lines, in their order; none when the settings are to choose."""
        return tuple(share.name for share in self.line or ())

    def on_line(self, name: str) -> CampaignDefinition:
        """The same campaign on one line."""
        return self.model_copy(update={"line": (LineShare(name=name),)})

    @field_validator("max_duration")
    @classmethod
    def _long_enough(cls, value: timedelta) -> timedelta:
        return _between(value, timedelta(seconds=1), timedelta(hours=4), "1s and 4h")

    @field_validator("ring_timeout")
    @classmethod
    def _rings(cls, value: timedelta) -> timedelta:
        return _between(value, timedelta(seconds=1), timedelta(minutes=10), "1s and 10m")

    @field_validator("callbacks")
    @classmethod
    def _can_be_done(
        cls, value: tuple[Callback, ...], info: ValidationInfo
    ) -> tuple[Callback, ...]:
        if len(value) > MAX_CALLBACKS:
            raise ValueError(f"found {len(value)} callbacks; write at most {MAX_CALLBACKS}")
        needs = [each.do.value for each in value if each.do.on_appointments]
        if needs and info.data.get("calendar") is None and "calendar" in info.data:
            raise ValueError(f"found do: {needs[0]} without a calendar; write one under calendar")
        return value

    @field_validator("webhooks")
    @classmethod
    def _not_too_many(cls, value: tuple[WebhookTarget, ...]) -> tuple[WebhookTarget, ...]:
        if len(value) > MAX_WEBHOOKS:
            raise ValueError(f"found {len(value)} webhooks; write at most {MAX_WEBHOOKS}")
        return value

    @field_validator("budget", mode="before")
    @classmethod
    def _later(cls, value: Any, info: ValidationInfo) -> Any:
        if value:
            raise ValueError(f"found {info.field_name}, not supported yet; leave it out")
        return value


def _between(value: timedelta, low: timedelta, high: timedelta, words: str) -> timedelta:
    if not low <= value <= high:
        raise ValueError(f"found {format_duration(value)}; write a duration between {words}")
    return value


__all__ = [
    "MAX_ATTEMPTS",
    "AcceptedRisk",
    "Agent",
    "CalendarRules",
    "Callback",
    "CampaignDefinition",
    "CsvColumns",
    "CsvSource",
    "InlineRecipient",
    "LineShare",
    "OutcomeRetry",
    "Pacing",
    "Purpose",
    "Retry",
    "Schedule",
    "TimeZonePolicy",
    "Weekday",
]
