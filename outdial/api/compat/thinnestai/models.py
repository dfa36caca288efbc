"""Requests and answers of the voice API. What its pages leave open is marked as our choice."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from outdial.api.compat.thinnestai.words import STATUS
from outdial.api.compat.values import Instant, Timestamp, Whole, whole_seconds
from outdial.domain.call.request import CallView
from outdial.domain.call.transcript import Turn

LONGEST = 600
"""Seconds that a call lasts at most where nothing is said."""
_MOST_SECONDS = 24 * 60 * 60

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
    max_duration: Annotated[Whole, Field(ge=1, le=_MOST_SECONDS)] | None = None
    """Seconds; default: 600."""
    recording: StrictBool | None = None
    scheduled_at: Instant | None = None
    """Without an offset: UTC."""
    webhook_url: str | None = Field(default=None, max_length=2000)


class Start(BaseModel):
    """`POST /voice/start`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"agent_id": "agent_xyz", "context": {"page": "pricing"}}]}
    )

    agent_id: Id
    context: dict[str, Any] | None = None


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
    max_duration: int
    """Seconds."""
    recording: bool
    recording_id: str | None
    """For `GET /voice/recording/…`, once there is a recording."""
    duration: int | None
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
            from_number=view.caller_id,
            context=view.context,
            max_duration=round(view.max_duration.total_seconds()),
            recording=bool(view.recording),
            recording_id=view.id if recorded else None,
            duration=whole_seconds(last.duration_seconds) if last else None,
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


class SpokenTurn(BaseModel):
    role: str
    content: str

    @classmethod
    def of(cls, turn: Turn) -> Self:
        return cls(role="user" if turn.speaker == "person" else "assistant", content=turn.text)


class Transcript(BaseModel):
    session_id: str
    transcript: list[SpokenTurn]


class Recording(BaseModel):
    recording_id: str
    session_id: str
    recording_url: str
    recording_duration: int | None
    """Seconds."""
    created_at: Timestamp
