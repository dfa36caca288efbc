"""Requests and answers of the voice API. What its pages leave open is marked as our choice."""

from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StrictBool

from api.compat.thinnestai.words import STATUS
from domain.request import CallView
from domain.transcript import Turn

_MOST_SECONDS = 24 * 60 * 60


def _with_offset(value: Any) -> Any:
    """ISO 8601 as text, with an offset: without one nobody knows when it is."""
    if not isinstance(value, str):
        raise ValueError("write an ISO 8601 timestamp such as 2026-12-01T15:00:00Z")
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"found {value[:60]!r}; write an ISO 8601 timestamp such as 2026-12-01T15:00:00Z"
        ) from None
    raise ValueError(f"found {value!r} without an offset; write one, such as Z")


Timestamp = Annotated[
    datetime, PlainSerializer(lambda at: at.astimezone(UTC).isoformat().replace("+00:00", "Z"))
]
Id = Annotated[str, Field(min_length=1, max_length=200)]
Number = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{7,14}$")]
"""E.164."""


class Dial(BaseModel):
    """`POST /voice/outbound/dial`. Fields that it does not know are ignored, as there."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "agent_id": "agent_xyz",
                    "to_number": "+14155551234",
                    "from_number": "+18005551234",
                    "context": {"customer_name": "Jane Doe"},
                }
            ]
        }
    )

    agent_id: Id
    to_number: Number
    from_number: Number
    context: dict[str, Any] | None = None
    max_duration: int = Field(default=600, ge=1, le=_MOST_SECONDS, strict=True)
    """Seconds."""
    recording: StrictBool = False
    scheduled_at: Annotated[datetime | None, BeforeValidator(_with_offset)] = None
    webhook_url: str | None = Field(default=None, max_length=2000)


class Start(BaseModel):
    """`POST /voice/start`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"agent_id": "agent_xyz", "context": {"page": "pricing"}}]}
    )

    agent_id: Id
    context: dict[str, Any] = Field(default_factory=dict)


class Dialed(BaseModel):
    call_id: str
    session_id: str
    """The same: other endpoints ask for a session."""
    status: str
    agent_id: str
    to_number: str
    from_number: str
    created_at: Timestamp
    scheduled_at: Timestamp | None


class Started(BaseModel):
    session_id: str
    token: str
    livekit_url: str
    websocket_url: str
    room_name: str
    agent_id: str


class Session(BaseModel):
    """A call. No page shows one: names are those of the sister API /v2/calls and of the request."""

    session_id: str
    call_id: str
    type: str = "outbound"
    status: str
    agent_id: str
    to_number: str | None
    from_number: str | None
    context: dict[str, Any]
    max_duration: float
    """Seconds."""
    recording: bool
    recording_id: str | None
    """For `GET /voice/recording/…`, once there is a recording."""
    duration: float | None
    """Seconds."""
    ended_reason: str | None
    created_at: Timestamp
    scheduled_at: Timestamp | None
    started_at: Timestamp | None
    ended_at: Timestamp | None

    @classmethod
    def of(cls, view: CallView) -> Self:
        last = view.last
        recorded = last is not None and last.recording_url is not None
        return cls(
            session_id=view.id,
            call_id=view.id,
            status=STATUS[view.status],
            agent_id=view.agent,
            to_number=view.to,
            from_number=last.caller_id if last else None,
            context=view.context,
            max_duration=view.max_duration.total_seconds(),
            recording=bool(view.recording),
            recording_id=view.id if recorded else None,
            duration=last.duration_seconds if last else None,
            ended_reason=view.outcome if view.done else None,
            created_at=view.created_at,
            scheduled_at=view.scheduled_at,
            started_at=last.answered_at if last else None,
            ended_at=last.ended_at if last else None,
        )


class Sessions(BaseModel):
    sessions: list[Session]
    total: int
    limit: int
    offset: int


class Said(BaseModel):
    role: str
    content: str

    @classmethod
    def of(cls, turn: Turn) -> Self:
        return cls(role="user" if turn.speaker == "person" else "assistant", content=turn.text)


class Transcript(BaseModel):
    session_id: str
    transcript: list[Said]


class Recording(BaseModel):
    recording_id: str
    session_id: str
    recording_url: str
    recording_duration: float | None
    """Seconds."""
    created_at: Timestamp
