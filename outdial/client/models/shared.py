"""Models of the API: shared. Written by `make openapi`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

CampaignState = Literal["running", "paused", "stopping", "stopped", "finished"] | str
"""State of a campaign. Every claim and every fence checks it."""


AnsweredBy = Literal["human", "machine", "screener", "unknown"] | str


DifferenceEffect = (
    Literal[
        "none", "immutable", "next_claim", "requeue", "next_call", "next_end", "variables", "roster"
    ]
    | str
)
"""What a changed key does to a campaign that runs."""


class DefinitionDifference(BaseModel):
    """A key of a definition, with its values in YAML; null where it is not set."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    path: str
    before: str | None
    after: str | None
    effect: DifferenceEffect


AppointmentStatus = (
    Literal[
        "held", "booked", "confirmed", "in_progress", "completed", "no_show", "canceled", "released"
    ]
    | str
)


class Appointment(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    calendar: str
    title: str
    starts_at: datetime
    ends_at: datetime
    status: AppointmentStatus
    phone: str | None
    contact_id: str | None
    call_id: str | None
    """The call that booked it."""
    notes: str | None
    created_at: datetime
    updated_at: datetime


FailureClass = (
    Literal[
        "throttled", "rejected", "misconfigured", "blocked", "refused", "unavailable", "unknown"
    ]
    | str
)
"""Class of a failure: decides whether and where the call may be tried again."""


CallStatus = (
    Literal[
        "queued", "ringing", "in_progress", "completed", "no_answer", "busy", "failed", "canceled"
    ]
    | str
)
"""Status of a call. It only moves forward, and a terminal status never changes."""


CallEventKind = Literal["status", "analysis"] | str


class CallEvent(BaseModel):
    """A report about the call: a change of its status, or its analysis."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    kind: CallEventKind
    status: CallStatus | None
    at: datetime
    answered_by: AnsweredBy | None
    detail: str | None


ConsentLevel = Literal["express", "written"] | str


class Contact(BaseModel):
    """An entry of the tenant's directory of persons."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    tenant: str
    metadata: dict[str, Any] | None = None
    """Data of the tenant, stored unchanged and not interpreted."""
    version: int = 1
    """Counts the changes."""
    created_at: datetime
    updated_at: datetime
    phone: str
    """E.164; unique within the tenant."""
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    company: str | None = None
    notes: str | None = None
    time_zone: str | None = None
    """IANA name, such as America/New_York."""
    tags: list[str] | None = None


class FieldProblem(BaseModel):
    """One problem of a request."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    field: str
    message: str
    line: int | None = None
    column: int | None = None


LaunchKind = Literal["launch", "addition"] | str


LaunchState = Literal["staging", "moving", "done", "refused", "failed"] | str


class RowProblem(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    field: str
    message: str
    line: int | None = None
    column: int | None = None
    file: str


class Launch(BaseModel):
    """A large launch, or a large addition to one."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    kind: LaunchKind
    campaign: str
    launch: int
    state: LaunchState
    rows: int
    recipients: int
    rows_per_second: float
    problem_count: int
    problems: list[RowProblem]
    error: str | None
    code: str | None
    started_at: datetime
    updated_at: datetime
    finished_at: datetime | None


RecipientState = Literal["waiting", "ready", "calling", "settling", "done"] | str


class SuppressionChange(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    change: str
    reason: str
    source: str
    at: datetime


class Problem(BaseModel):
    """RFC 9457; `code` is for programs, `detail` for people."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldProblem] | None = None
