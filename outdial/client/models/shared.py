"""Models of the API: shared. Written by `make openapi`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

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


ConsentLevel = Literal["express", "written"] | str


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


class Problem(BaseModel):
    """RFC 9457; `code` is for programs, `detail` for people."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldProblem] | None = None
