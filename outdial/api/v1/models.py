"""Bodies of /v1/calls."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, field_validator
from pydantic.json_schema import JsonSchemaValue

from outdial.domain.call.event import CallEvent as ReportedEvent
from outdial.domain.call.event import EventKind
from outdial.domain.call.policy import BOUNDED, CallPolicy
from outdial.domain.call.request import CallBudget, CallView
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.domain.definition.agent import Agent
from outdial.domain.definition.fields import Timestamp
from outdial.domain.rules.consent import Consent


class NewCall(CallPolicy):
    """Durations are seconds, or text such as 5m."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "to": "+12125550143",
                    "agent": "reminder",
                    "variables": {"first_name": "Ana", "at": "10:30"},
                    "scheduled_at": "2030-01-31T15:00:00Z",
                    "retry": {"busy": {"delays": "10m"}, "no_answer": {"delays": ["2h", "1d"]}},
                    "max_duration": 300,
                    "recording": True,
                    "context": {"order": "4711"},
                    "webhook": "https://example.com/hooks/calls",
                }
            ]
        },
    )

    to: str = Field(max_length=50)
    """With + and country code."""
    agent: str | Agent | None = None  # type: ignore[assignment]  # one may be left out
    """A registered agent's id, or the provider's; default: the default agent."""
    line: str | None = Field(default=None, max_length=100)
    """Default: the agent's, else the tenant's only one."""
    caller_id: str | None = Field(default=None, max_length=50)
    """The number shown; default: the line's."""
    variables: dict[str, str] = Field(default_factory=dict)
    """Values for the agent's prompt, by name."""
    time_zone: str | None = None
    """The recipient's IANA time zone; default: by the number."""
    scheduled_at: Timestamp | None = None
    """Not before this instant. The call is placed then, or as soon as the calling hours allow."""
    consent: Consent | None = None
    context: dict[str, Any] = Field(default_factory=dict)
    """Returned unchanged in responses and webhooks."""
    contact_id: str | None = Field(default=None, max_length=100)
    webhook: str | None = Field(default=None, max_length=2000)
    """A URL that receives this call's events, besides the tenant's endpoints."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """JSON Schema with durations that may be seconds, too."""
        schema = super().__get_pydantic_json_schema__(core_schema, handler)
        properties = handler.resolve_ref_schema(schema)["properties"]
        for name in BOUNDED:
            written = properties[name]
            about = {key: written.pop(key) for key in ("title", "description", "default")}
            properties[name] = {**about, "anyOf": [written, {"type": "integer", "minimum": 1}]}
        return schema

    @field_validator(*BOUNDED, mode="before")
    @classmethod
    def _seconds(cls, value: Any) -> Any:
        """A whole number means seconds."""
        whole = isinstance(value, int) and not isinstance(value, bool)
        return f"{value}s" if whole and value >= 0 else value


class CallAttempt(BaseModel):
    """One telephone call to the recipient: the latest, or the one in progress."""

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


class Call(BaseModel):
    """A requested call, with all its attempts."""

    id: str
    status: CallStatus
    outcome: str | None
    reason: str | None
    done: bool
    """Nothing more will happen: status and outcome are final."""
    to: str
    agent: str
    line: str
    campaign: str
    origin: str
    contact_id: str | None
    created_at: datetime
    scheduled_at: datetime | None
    attempts: int
    """Phone calls that may have rung."""
    last_attempt: CallAttempt | None
    recording: bool | None
    """Whether it must be recorded, or must not be; null where neither was requested."""
    max_duration_seconds: float
    variables: dict[str, str]
    context: dict[str, Any]
    webhook_endpoint: str | None
    """The endpoint created for `webhook`."""
    budget: CallBudget | None
    """What it counts for in its campaign's budget; null without one."""

    @classmethod
    def of(cls, view: CallView) -> Self:
        return cls(
            **view.model_dump(include=set(cls.model_fields) - _MADE),
            last_attempt=_attempt(view),
            max_duration_seconds=view.max_duration.total_seconds(),
            webhook_endpoint=view.endpoint_id,
        )


_MADE = {"last_attempt", "max_duration_seconds", "webhook_endpoint"}


def _attempt(view: CallView) -> CallAttempt | None:
    last = view.last
    if last is None:
        return None
    made = {"has_transcript", "has_recording"}
    return CallAttempt(
        **last.model_dump(include=set(CallAttempt.model_fields) - made),
        has_transcript=last.transcript is not None,
        has_recording=last.recording_url is not None,
    )


class CallEvent(BaseModel):
    """A report about the call: a change of its status, or its analysis."""

    id: str
    kind: EventKind
    status: CallStatus | None
    at: datetime
    answered_by: AnsweredBy | None
    detail: str | None

    @classmethod
    def of(cls, event: ReportedEvent) -> Self:
        named = set(cls.model_fields) - {"id"}
        return cls(id=event.event_id, **event.model_dump(include=named))


class CallDetails(Call):
    events: list[CallEvent]
    """Of all attempts, oldest first."""


class CallTranscript(BaseModel):
    call_id: str
    transcript: str


class CallRecording(BaseModel):
    call_id: str
    url: str
    """The provider's URL of the recording."""
    duration_seconds: float | None
