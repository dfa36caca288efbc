"""The answer to a claim, and what the placement fence decides about a call."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from outdial.domain.call.status import FailureClass


class CampaignState(StrEnum):
    """State of a campaign. Every claim and every fence checks it."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    """No new calls; calls in flight end by themselves or are hung up."""
    STOPPED = "stopped"
    FINISHED = "finished"

    @property
    def over(self) -> bool:
        return self in (CampaignState.STOPPED, CampaignState.FINISHED)


class ClaimedCall(BaseModel):
    """A call that was claimed: what its workflow needs, no personal data."""

    model_config = ConfigDict(frozen=True)

    call_id: str
    workflow_id: str
    tenant: str
    campaign: str
    line: str
    masked: str
    """The number, masked, for those who read the run."""
    attempt: int
    """1 for the recipient's first attempt."""
    ring_timeout: timedelta
    max_duration: timedelta


class Claim(BaseModel):
    """The answer to one claim."""

    model_config = ConfigDict(frozen=True)

    state: CampaignState
    revision: int = 1
    calls: tuple[ClaimedCall, ...] = ()
    in_flight: int = 0
    """Leases of this campaign, these calls included."""
    open_recipients: int = 0
    """Recipients without an end, those in flight included."""
    budget_spent: bool = False
    """The budget of the launch admits no more calls; nothing but a higher one changes that."""
    staged: bool = False
    """Rows were added that are not enrolled yet."""
    wake_at: datetime | None = None
    """When claiming again may find something, if nothing else happens before (UTC)."""
    wake_after: timedelta | None = None
    """The same, counted from the claim: the clock of the worker that waits may differ. None in
    claims of older versions."""
    reason: str = ""
    """What is waited for, in words."""


class FenceVerdict(StrEnum):
    GO = "go"
    """The fence is up: send the request, once, before `deadline`."""
    WAIT_FOR_RATE = "wait_for_rate"
    """This second's calls on the line are used up; ask again at `retry_at`."""
    ALREADY_PLACING = "already_placing"
    """It may have been sent: never send again, find out what happened."""
    ALREADY_PLACED = "already_placed"
    WITHDRAWN = "withdrawn"
    """It must not be dialed (any more): paused, suppressed, out of hours, swept."""
    NOT_PLACED = "not_placed"
    """It was sent, and the provider certainly did not take it: `failure` says why."""


class FencePass(BaseModel):
    """Whether a call may be dialed; what is sent then is a `PlaceRequest`."""

    model_config = ConfigDict(frozen=True)

    verdict: FenceVerdict
    line: str
    reason: str = ""
    provider_call_id: str | None = None
    deadline: datetime | None = None
    due_at: datetime | None = None
    """When the recipient of a call that passes was due; for one who was at once, its claim."""
    retry_at: datetime | None = None
    failure: FailureClass | None = None
    """Why the provider did not take a call that is NOT_PLACED; `reason` has its words."""
    retry_after: timedelta | None = None
    """How long a throttling provider asked to wait."""
