"""Requests and answers of the Calls API (voxpria.com/docs/calls-api). What its pages leave open
is marked as our choice."""

from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from outdial.api.compat.values import Timestamp, whole_seconds
from outdial.domain.call.request import CallView
from outdial.domain.call.status import (
    OUTCOME_SCREENED,
    OUTCOME_VOICEMAIL,
    AnsweredBy,
    CallStatus,
)

Data = TypeVar("Data")

Id = Annotated[str, Field(min_length=1, max_length=200)]
Number = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{7,14}$")]
"""E.164."""

STATUS = {status: status.value for status in CallStatus} | {CallStatus.CANCELED: "failed"}
"""Its seven statuses are ours, less the one of a call that was called off."""


class Camel(BaseModel):
    """Named in camel case outside. Fields that it does not know are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)


class Success(BaseModel, Generic[Data]):
    success: Literal[True] = True
    data: Data


class Pagination(BaseModel):
    page: int
    limit: int
    total: int


class Listed(BaseModel, Generic[Data]):
    """Only `success` is documented; the rest is our choice."""

    success: Literal[True] = True
    data: list[Data]
    pagination: Pagination


class Trigger(Camel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "agentId": "agent_abc123",
                    "toNumber": "+14155551234",
                    "variables": {"customerName": "John Doe", "accountNumber": "12345"},
                }
            ]
        }
    )

    agent_id: Id
    to_number: Number
    variables: dict[str, Any] | None = None


class Triggered(Camel):
    call_id: str
    status: str
    to_number: str
    agent_id: str
    created_at: Timestamp


class Call(Triggered):
    """The sample's members, and those of the answer to whoever triggered it."""

    duration: int | None
    """Whole seconds."""
    recording: str | None
    transcript: str | None
    outcome: str | None
    """`successful` is the only one documented, for a call that a person took; ours: `voicemail`,
    `screened`, and the status of every other end."""
    started_at: Timestamp | None
    completed_at: Timestamp | None
    variables: dict[str, Any]

    @classmethod
    def of(cls, view: CallView) -> Self:
        last = view.last
        return cls(
            call_id=view.id,
            status=STATUS[view.status],
            to_number=view.to,
            agent_id=view.agent,
            created_at=view.created_at,
            duration=whole_seconds(last.duration_seconds) if last else None,
            recording=last.recording_url if last else None,
            transcript=last.transcript if last else None,
            outcome=outcome_of(view),
            started_at=last.answered_at if last else None,
            completed_at=last.ended_at if last and view.status.terminal else None,
            variables=view.context if view.origin != "campaign" else view.variables,
        )


def outcome_of(view: CallView) -> str | None:
    if not view.status.terminal:
        return None
    if view.status is not CallStatus.COMPLETED:
        return STATUS[view.status]
    answered_by = view.last.answered_by if view.last is not None else None
    if answered_by is AnsweredBy.SCREENER:
        return OUTCOME_SCREENED
    return OUTCOME_VOICEMAIL if answered_by is AnsweredBy.MACHINE else "successful"
