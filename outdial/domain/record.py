"""What the store holds, as values."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.plan import CallPlan
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass, Fence
from outdial.domain.definition.purpose import Purpose
from outdial.domain.money.amount import Amount

DEFAULT_TENANT = "default"
DIRECT_CAMPAIGN = "direct"
"""The direct campaign of every tenant, for single calls; it never ends."""


class RevisionRecord(BaseModel):
    """A version of a campaign's definition: who made it, when and why."""

    model_config = ConfigDict(frozen=True)

    revision: int
    launch: int
    created_at: datetime
    author: str | None
    """Such as `user ana` or `key reports`; None where it is not known."""
    reason: str | None
    restores: int | None
    """The earlier revision whose definition it has again."""
    added: int
    """How many recipients came with it."""
    removed: int
    canary_share: float | None = None
    """It was given to this share of the recipients alone, as a canary."""


class RecipientState(StrEnum):
    WAITING = "waiting"
    """Not due yet, or due and not decided yet."""
    READY = "ready"
    """Due, window open; first to be claimed is the one whose window closes first."""
    CALLING = "calling"
    """A call is claimed or under way."""
    SETTLING = "settling"
    """The call is over; its analysis is waited for."""
    DONE = "done"


class CampaignRecord(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: int
    tenant: str
    name: str
    state: CampaignState
    revision: int
    launch: int
    """1 for the first launch; `--again` adds one."""
    direct: bool
    plan: CallPlan
    hang_up: bool = False
    """Stopping, and calls under way are to be hung up."""
    reason: str | None = None
    """Why it is stopped or paused, if a reason was given."""
    created_at: datetime
    launched_at: datetime
    finished_at: datetime | None = None

    @property
    def purpose(self) -> Purpose:
        return self.plan.purpose


class CallRecord(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: str
    tenant: str
    campaign_id: int
    campaign: str
    launch: int
    recipient_id: int
    number: int
    """The recipient's n-th call; never used again."""
    attempt: int
    workflow_id: str
    line: str
    provider_call_id: str | None
    to: str
    caller_id: str | None
    status: CallStatus
    fence: Fence
    fence_deadline: datetime | None
    outcome: str | None
    disposition: str | None
    answered_by: AnsweredBy | None
    failure: FailureClass | None
    detail: str | None
    created_at: datetime
    placed_at: datetime | None
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    settled_at: datetime | None
    settle_by: datetime | None
    duration_seconds: float | None
    cost: float | None
    transcript: str | None
    recording_url: str | None
    structured: dict[str, Any] = Field(default_factory=dict)
    evidence: dict[str, Any] = Field(default_factory=dict)


class RecipientRecord(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: int
    campaign_id: int
    launch: int
    position: int
    phone: str
    zones: tuple[str, ...]
    variables: dict[str, str]
    state: RecipientState
    attempts: int
    calls: int
    outcome: str | None
    """Of the last settled call; once done, the final one."""
    reason: str | None
    not_before: datetime | None


class BudgetProgress(BaseModel):
    """A campaign's budget, and what its calls have used of it."""

    model_config = ConfigDict(frozen=True)

    most: Amount | None
    per_day: Amount | None
    per_person: Amount | None
    spent: Amount
    """What the settled calls of this launch have cost."""
    reserved: Amount
    """The most that those can cost which are not settled."""
    left: Amount | None
    """Of `most`."""
    day: str | None
    """The last day with a call, such as 2030-01-31."""
    spent_of_day: Amount
    """What the calls claimed on that day have cost, of all launches."""
    reserved_of_day: Amount
    left_of_day: Amount | None
    """Of `per_day`."""
    raised: Amount
    """By how much prices that came after their calls were settled exceeded what had been counted;
    it may make `spent` exceed `most`."""
    excess: Amount
    """What calls have cost beyond the most that they could, as reported. It is not part of
    `spent`: the prices in the settings are too low, or the reports are wrong."""
    exhausted: str | None = None
    """The key of the limit that admits no more calls."""


class Progress(BaseModel):
    """A campaign at a glance; its counts change with the rows they count, so they add up."""

    model_config = ConfigDict(frozen=True)

    campaign: str
    tenant: str
    state: CampaignState
    launch: int
    recipients: int
    by_state: dict[str, int]
    """Recipients by RecipientState."""
    by_outcome: dict[str, int]
    """Recipients that are done, by final outcome."""
    calls: dict[str, int]
    """Calls by CallStatus."""
    attempts: int
    in_flight: int
    lines: tuple[str, ...] = ()
    """The lines that it calls on."""
    simulated: tuple[str, ...] = ()
    """Those of them that lead to the simulated network, where no telephone rings."""
    wake_at: datetime | None = None
    """When the campaign decides again, if nothing happens before; nobody may be callable then."""
    reason: str | None = None
    """What it waits for."""
    next_call_at: datetime | None = None
    """When the first of those who wait for a time of their own can be called."""
    next_call_zone: str | None = None
    """The time zone of that person."""
    budget: BudgetProgress | None = None
    """None: the campaign has no budget."""
    launched_at: datetime
    finished_at: datetime | None = None


class StagingKind(StrEnum):
    LAUNCH = "launch"
    ADDITION = "addition"


class StagingState(StrEnum):
    STAGING = "staging"
    """Its recipients are being written; nothing else reads them."""
    MOVING = "moving"
    """An addition that is accepted: its recipients are given to the launch, step by step."""
    DONE = "done"
    REFUSED = "refused"
    """Nothing of it is left, or is about to be."""


class StagingRecord(BaseModel):
    """A launch or an addition while its recipients are written, and how it ended."""

    model_config = ConfigDict(frozen=True)

    id: int
    public_id: str
    tenant: str
    campaign: str
    kind: StagingKind
    state: StagingState
    unfinished: bool
    """Rows are still to be written, moved or removed."""
    campaign_id: int | None
    """None once nothing of a refused first launch is left."""
    launch: int
    """The launch that its recipients are for."""
    row_launch: int
    """The launch number that its recipients carry until then."""
    requester: str | None = None
    merges: bool = False
    """Of a revision: recipients that the launch has already get their values from its rows."""
    remove_from: int | None = None
    """From this position on, recipients that it does not have are still to be removed."""
    rows_read: int = 0
    recipients: int = 0
    """Rows that were written."""
    problem_count: int = 0
    problems: tuple[dict[str, Any], ...] = ()
    """The first thousand of them, with their places."""
    error: str | None = None
    """Why it was refused, in words; None when its problems say it."""
    error_code: str | None = None
    started_at: datetime
    updated_at: datetime
    ended_at: datetime | None = None

    @property
    def rows_per_second(self) -> float:
        """On average, while rows were read."""
        seconds = (self.updated_at - self.started_at).total_seconds()
        return self.rows_read / seconds if seconds > 0 else 0.0


class Settled(BaseModel):
    """What the end or settlement of a call changed, and which workflows are to be signalled."""

    model_config = ConfigDict(frozen=True)

    call_id: str
    changed: bool
    """False when it was recorded before; then there is nothing to signal."""
    settled: bool = False
    status: CallStatus
    outcome: str | None = None
    campaign_workflow_id: str = ""
    requester_workflow_id: str | None = None
    """The RequestCallWorkflow that awaits this recipient's end."""
    recipient_done: bool = False
    recipient_id: int = 0
    tenant: str = DEFAULT_TENANT
    line: str = ""
    listed: tuple[str, ...] = ()
    """Numbers (E.164) that must not be called from now on: calls to them are to be stopped."""
    has_callbacks: bool = False
    """A callback workflow is to be started."""
    overtaken_by: str | None = None
    """The call whose late evidence withdrew it."""
