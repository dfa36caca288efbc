"""The campaign definition: the YAML file as a value.

Unknown keys are errors. Positions in the file are added by the reader in `intake`. The
docstring under a field is what an editor shows for its key.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic.json_schema import JsonSchemaValue

from domain.fields import (
    CalendarDate,
    Delay,
    Duration,
    Frozen,
    HourSpan,
    Instant,
    OneOrMany,
    Span,
    format_duration,
    parse_zone,
)
from domain.phone import parse_phone
from domain.source import UNKNOWN_REGION, CsvColumns, CsvSource, InlineRecipient, RecipientSource

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"
MAX_IN_FLIGHT = 1000
"""Calls one campaign may hold open: half the server's limit of pending children."""
MAX_PER_MINUTE = 60_000
MAX_ATTEMPTS = 100


class Purpose(StrEnum):
    INFORMATIONAL = "informational"
    TELEMARKETING = "telemarketing"


class Weekday(StrEnum):
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"

    @property
    def number(self) -> int:
        """0 for Monday, as `date.weekday` counts."""
        return list(Weekday).index(self)


class TimeZonePolicy(StrEnum):
    CALLEE = "callee"
    """Hours are read in the zone of each person called."""
    CAMPAIGN = "campaign"
    """Hours are read in `time_zone`, wherever the person is."""


class Schedule(Frozen):
    """When people may be called."""

    start: Instant | None = None
    """No call before this instant; a date, a time and an offset."""
    end: Instant | None = None
    """No call from this instant on; a date, a time and an offset."""
    days: OneOrMany[Weekday] = tuple(Weekday)
    """Days of the week on which people may be called."""
    hours: OneOrMany[HourSpan] = (Span(start=9 * 60, end=18 * 60),)
    """Hours of the day, such as 09:00-18:00, one span or several."""
    excluded_dates: OneOrMany[CalendarDate] = ()
    """Dates on which nobody is called, such as holidays."""
    time_zone_policy: TimeZonePolicy = TimeZonePolicy.CALLEE
    """callee: hours, days and dates are read where each person is. campaign: in `time_zone`."""
    time_zone: Annotated[str, AfterValidator(parse_zone)] | None = Field(
        default=None, validate_default=True
    )
    """With policy `campaign`: the zone of the hours. With `callee`: the zone of people whose
    own zone cannot be told; without it they are refused."""

    @field_validator("days", "hours")
    @classmethod
    def _not_empty(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if not value:
            raise ValueError("found an empty list; write at least one, or nobody is called")
        return value

    @field_validator("end")
    @classmethod
    def _after_start(cls, value: Any, info: ValidationInfo) -> Any:
        start = info.data.get("start")
        if value is not None and start is not None and value <= start:
            raise ValueError(
                f"found {value.isoformat()}, which is not after start ({start.isoformat()}); "
                "swap them or leave one out"
            )
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone_of_the_campaign(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("time_zone_policy") is TimeZonePolicy.CAMPAIGN:
            raise ValueError(
                "found no time_zone, though time_zone_policy is campaign; "
                "write one such as Europe/Berlin"
            )
        return value


class Pacing(Frozen):
    """How fast."""

    max_concurrent: Annotated[int, Field(ge=1, le=MAX_IN_FLIGHT)] = 10
    """How many calls may be open at the same time."""
    per_minute: Annotated[int, Field(ge=1, le=MAX_PER_MINUTE)] | None = None
    """How many calls may start in a minute; without it only the line limits them."""


class OutcomeRetry(Frozen):
    """When to try again after one kind of outcome."""

    delays: OneOrMany[Delay]
    """The wait after the first, second, … such outcome; the last one repeats."""
    max_attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] | None = None
    """How many such outcomes before the recipient ends; default one more than `delays`."""

    @field_validator("delays")
    @classmethod
    def _not_empty(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if not value:
            raise ValueError("found an empty list; write at least one delay, such as 10m")
        return value

    @property
    def limit(self) -> int:
        return self.max_attempts if self.max_attempts is not None else len(self.delays) + 1


_DAY = timedelta(days=1)


class Retry(Frozen):
    """When to try again. An outcome without an entry here is not tried again."""

    max_attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] = 4
    """How many attempts one person gets, whatever the outcomes."""
    max_attempts_per_day: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] | None = None
    """Per person and calendar day, in the callee's zone."""
    busy: OutcomeRetry | None = None
    """The line was engaged."""
    no_answer: OutcomeRetry | None = None
    """It rang until `ring_timeout`."""
    voicemail: OutcomeRetry | None = None
    """A machine answered."""
    failed: OutcomeRetry | None = None
    """Faults of the provider or carrier; never a rejected number."""
    unknown: OutcomeRetry | None = OutcomeRetry(delays=("next_day",), max_attempts=2)
    """It may have rung, nobody can tell; by default not again that day."""
    call_me_later: OutcomeRetry | None = OutcomeRetry(delays=(_DAY,), max_attempts=3)
    """Used when the person named no time."""


class Agent(Frozen):
    """Who speaks."""

    id: Annotated[str, Field(min_length=1)]
    """The agent's id at the line's provider."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """What the provider lets one set for an agent, handed on as it is."""


class _AlsoById:
    """Tells editors that an agent may be written as its id alone."""

    def __get_pydantic_json_schema__(
        self, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "minLength": 1}, handler(core_schema)]}


def _agent_by_id(value: Any) -> Any:
    return {"id": value} if isinstance(value, str) else value


def _caller_id(value: str) -> str:
    return parse_phone(value, UNKNOWN_REGION)


class CampaignDefinition(Frozen):
    """One campaign: whom to call, through which line, when, how often, and what then."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    """Names the campaign for good: lowercase letters, digits, - and _."""
    description: str | None = None
    """For people."""
    purpose: Purpose
    """informational or telemarketing; it can't be changed once the campaign is launched."""
    line: Annotated[str, Field(min_length=1)] = "simulated"
    """The configured line to call through; `simulated` is the built-in telephone network."""
    agent: Annotated[Agent, BeforeValidator(_agent_by_id), _AlsoById()]
    """Who speaks: an agent's id, or its id and settings."""
    caller_ids: OneOrMany[Annotated[str, AfterValidator(_caller_id)]] = ()
    """The number shown to the person called; of several, each in turn. Default: the line's."""
    recipients: RecipientSource
    """Whom to call: a contact file, or a list written here."""
    variables: dict[str, str] = Field(default_factory=dict)
    """Templates (Jinja2, sandboxed) over a recipient's own values. What they give is handed to
    the agent together with the recipient's own variables."""
    schedule: Schedule = Schedule()
    """When people may be called."""
    pacing: Pacing = Pacing()
    """How fast."""
    retry: Retry = Retry()
    """When to try again. An outcome without an entry here is not tried again."""
    max_duration: Duration = timedelta(minutes=10)
    """A call is ended after this time, from 1s to 4h."""
    ring_timeout: Duration = timedelta(seconds=30)
    """How long it may ring, from 1s to 10m."""
    recording: bool = False
    """Whether calls are recorded."""
    callbacks: tuple[dict[str, Any], ...] = Field(default=(), json_schema_extra={"maxItems": 0})
    """Not supported yet."""
    webhooks: tuple[dict[str, Any], ...] = Field(default=(), json_schema_extra={"maxItems": 0})
    """Not supported yet."""
    budget: Annotated[dict[str, Any] | None, WithJsonSchema({"type": "null"})] = None
    """Not supported yet."""

    @field_validator("max_duration")
    @classmethod
    def _long_enough(cls, value: timedelta) -> timedelta:
        return _between(value, timedelta(seconds=1), timedelta(hours=4), "1s and 4h")

    @field_validator("ring_timeout")
    @classmethod
    def _rings(cls, value: timedelta) -> timedelta:
        return _between(value, timedelta(seconds=1), timedelta(minutes=10), "1s and 10m")

    @field_validator("callbacks", "webhooks", "budget", mode="before")
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
    "Agent",
    "CampaignDefinition",
    "CsvColumns",
    "CsvSource",
    "InlineRecipient",
    "OutcomeRetry",
    "Pacing",
    "Purpose",
    "Retry",
    "Schedule",
    "TimeZonePolicy",
    "Weekday",
]
