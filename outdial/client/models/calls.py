"""Models of the API: calls. Written by `make openapi`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from outdial.client.models.shared import (
    AnsweredBy,
    CallEvent,
    CallStatus,
    ConsentLevel,
    FailureClass,
)


class AcceptedRisk(BaseModel):
    """A calling rule that is set aside. It is noted with every decision."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    rule: str
    """The rule's id, such as US-FL.hours; `outdial rules` lists them."""
    reason: str
    """Why it does not bind these calls, for the record."""


class CallAttempt(BaseModel):
    """One telephone call to the recipient: the latest, or the one in progress."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    number: int
    caller_id: str | None
    placed_at: datetime | None
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    answered_by: AnsweredBy | None
    duration_seconds: float | None
    disposition: str | None
    failure: FailureClass | None
    detail: str | None
    cost: float | None
    has_transcript: bool
    has_recording: bool
    structured: dict[str, Any]


CostSource = Literal["provider", "computed", "highest", "not_dialed"] | str
"""Where the cost of a call comes from."""


class CallBudget(BaseModel):
    """What a call counts for in its campaign's budget."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    reserved: str
    cost: str | None
    source: CostSource | None
    excess: str


class Call(BaseModel):
    """A requested call, with all its attempts."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    status: CallStatus
    outcome: str | None
    reason: str | None
    done: bool
    to: str
    agent: str
    line: str
    campaign: str
    origin: str
    contact_id: str | None
    created_at: datetime
    scheduled_at: datetime | None
    attempts: int
    last_attempt: CallAttempt | None
    recording: bool | None
    max_duration_seconds: float
    variables: dict[str, str]
    context: dict[str, Any]
    webhook_endpoint: str | None
    budget: CallBudget | None


class CallAgent(BaseModel):
    """The voice agent that speaks in a call."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    id: str
    """The agent's id at the line's provider."""
    settings: dict[str, Any] | None = None
    """Settings of the provider for this agent, passed on unchanged."""


class CallDetails(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    status: CallStatus
    outcome: str | None
    reason: str | None
    done: bool
    to: str
    agent: str
    line: str
    campaign: str
    origin: str
    contact_id: str | None
    created_at: datetime
    scheduled_at: datetime | None
    attempts: int
    last_attempt: CallAttempt | None
    recording: bool | None
    max_duration_seconds: float
    variables: dict[str, str]
    context: dict[str, Any]
    webhook_endpoint: str | None
    budget: CallBudget | None
    events: list[CallEvent]


class CallPage(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    items: list[Call]
    next_cursor: str | None = None


class CallRecording(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    call_id: str
    url: str
    duration_seconds: float | None


class CallTranscript(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    call_id: str
    transcript: str


CapScope = Literal["person", "number"]


class Cap(BaseModel):
    """At most so many calls within some time, counted over all campaigns."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    calls: int
    """How many calls."""
    within: str | None = None
    """The length of the rolling window, such as 24h or 30d; without it, all earlier calls count."""
    per: CapScope = "person"
    """person: over all numbers of the person. number: for each number by itself."""


Purpose = Literal["informational", "telemarketing"]


class Consent(BaseModel):
    """One person's consent to be called by an automated voice."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    level: ConsentLevel
    """express or written; written is more."""
    scope: Purpose | None = None
    """The purpose it was given for; without it: the one of the campaign that lists the person."""
    proof: str | None = None
    """What proves it: a form's id, a recording, an address. Written consent needs one."""
    given_at: datetime | None = None
    """When it was given; a date, a time and an offset."""
    expires_at: datetime | None = None
    """From this instant on it does not count."""


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class DayWindow(BaseModel):
    """Hours that hold on some days of the week."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    days: Weekday | list[Weekday]
    """Days of the week."""
    hours: str | list[str]
    """Hours of those days, one span or several."""


Daypart = Literal["morning", "afternoon", "evening", "weekend"]
"""A part of the week in which people are at home, or are not."""


class OutcomeRetry(BaseModel):
    """When to try again after one kind of outcome."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    delays: str | list[str]
    """The wait after the first, second, … such outcome; the last one repeats."""
    max_attempts: int | None = None
    """How many such outcomes before the recipient ends; default one more than `delays`."""
    factor: float = 1.0
    """How much longer each wait is after those listed: with 2 and delays of 10m, then 20m, 40m."""
    longest: str = "7d"
    """The longest that a growing wait becomes."""


class Retry(BaseModel):
    """When to try again. An outcome without an entry here is not tried again."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    max_attempts: int = 4
    """How many attempts one person gets, whatever the outcomes."""
    max_attempts_per_day: int | None = None
    """Per person and calendar day, in the callee's zone."""
    dayparts: Daypart | list[Daypart] | None = None
    """At what time of the week the first, second, … attempt is made, in turn; without it, at
    any. A time that the person asked for takes precedence."""
    jitter: str = "0s"
    """Up to this much is added to each delay, differently for each person, so that not everybody
    is tried again in the same minute."""
    busy: OutcomeRetry | None = None
    """The callee was busy."""
    no_answer: OutcomeRetry | None = None
    """It rang, and nobody answered."""
    voicemail: OutcomeRetry | None = None
    """A machine answered, or a telephone's call screening, and nobody came on."""
    failed: OutcomeRetry | None = None
    """Faults of the provider or carrier; never a rejected number."""
    unknown: OutcomeRetry | None = None
    """It is not known whether the call was made; by default, not again on the same day."""
    call_me_later: OutcomeRetry | None = None
    """The person asked to be called later, and named no time."""


TimeZonePolicy = Literal["callee", "campaign"]


class Schedule(BaseModel):
    """When people may be called."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    start: datetime | None = None
    """No call before this instant; a date, a time and an offset."""
    end: datetime | None = None
    """No call from this instant on; a date, a time and an offset."""
    days: Weekday | list[Weekday] | None = None
    """Days of the week on which people may be called."""
    hours: str | list[str] | None = None
    """Hours of the day, such as 09:00-18:00, one span or several."""
    windows: list[DayWindow] = Field(default_factory=list)
    """Hours that differ by the day: a list of days with their hours. `days` and `hours` are left
    out then."""
    holidays: str | list[str] | None = None
    """Public holidays on which no call is made: names such as US or US-LA, or callee for those
    of the place where each person is, as far as its calendar is known."""
    excluded_dates: date | list[date] | None = None
    """Dates on which no call is made, such as holidays."""
    time_zone_policy: TimeZonePolicy = "callee"
    """callee: hours, days and dates are read where each person is. campaign: in `time_zone`."""
    time_zone: str | None = None
    """With policy `campaign`: the zone of the hours. With `callee`: the zone of people whose own
    zone is unknown; without it they are refused."""
    guard: str = "1m"
    """No call starts in this last part of a window, or in as much of it as a call may ring,
    whichever is longer. With 0s calls start until the very end."""


class NewCall(BaseModel):
    """Durations are seconds, or text such as 5m."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    purpose: Purpose = "informational"
    """informational or telemarketing: the calling rules depend on it."""
    agent: str | CallAgent | None = None
    """A registered agent's id, or the provider's; default: the default agent."""
    schedule: Schedule | None = None
    retry: Retry | None = None
    caps: list[Cap] = Field(default_factory=list)
    """How often one person may be called, over all campaigns together; the rules' own caps hold
    beside these."""
    accept_risk: list[AcceptedRisk] = Field(default_factory=list)
    """Calling rules that are set aside, each with the reason why they don't bind these calls."""
    max_duration: str | int = "10m"
    """A call is ended after this time, from 1s to 4h."""
    ring_timeout: str | int = "30s"
    """How long it may ring, from 1s to 10m."""
    recording: bool | None = None
    """Whether calls are recorded. A line without such an option refuses it. Default: not, where
    the line can switch it off without losing anything else; elsewhere as its agent is set up."""
    to: str
    """With + and country code."""
    line: str | None = None
    """Default: the agent's, else the tenant's only one."""
    caller_id: str | None = None
    """The number shown; default: the line's."""
    variables: dict[str, str] | None = None
    """Values for the agent's prompt, by name."""
    time_zone: str | None = None
    """The recipient's IANA time zone; default: by the number."""
    scheduled_at: datetime | None = None
    """Not before this instant. The call is placed then, or as soon as the calling hours allow."""
    consent: Consent | None = None
    context: dict[str, Any] | None = None
    """Returned unchanged in responses and webhooks."""
    contact_id: str | None = None
    webhook: str | None = None
    """A URL that receives this call's events, besides the tenant's endpoints."""
