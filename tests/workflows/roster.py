"""A roster in memory: what the database tells a campaign, without a database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from outdial.contracts.signatures.campaign import (
    AddInput,
    ApplyInput,
    CampaignActivities,
    CampaignRef,
    ClaimInput,
    Enrolled,
    EnrollInput,
    Finish,
    Signalled,
    StateInput,
    StateResult,
)
from outdial.domain.call.claim import CampaignState, Claim, ClaimedCall
from outdial.domain.record import Progress


@dataclass
class Row:
    """One recipient: how many calls it had, and whether one is in flight."""

    calls: int = 0
    live: str | None = None
    done: bool = False


class FakeRoster(CampaignActivities):
    """Hands out each recipient once, at most `max_concurrent` at a time."""

    def __init__(self, name: str, recipients: int, max_concurrent: int) -> None:
        self.name = name
        self.rows = [Row() for _ in range(recipients)]
        self.max_concurrent = max_concurrent
        self.state = CampaignState.RUNNING
        self.claims: dict[str, tuple[ClaimedCall, ...]] = {}
        self.enrolled = 0
        self.peak = 0
        self.lingered = 0
        self.hang_ups = 0
        self.files: list[str] = []
        """Contact files that were to be added."""
        self.refuse: str | None = None
        self.revision = 1
        self.applied: list[str] = []
        """Proposals that were applied: each makes room for one call more."""

    def end(self, call_id: str) -> None:
        """What the end of a call does in the database: the slot is free."""
        for row in self.rows:
            if row.live == call_id:
                row.live, row.done = None, True

    @property
    def in_flight(self) -> int:
        return sum(1 for row in self.rows if row.live)

    @activity.defn(name="enroll_recipients")
    async def enroll_recipients(self, enroll: EnrollInput) -> Enrolled:
        self.enrolled += 1
        return Enrolled(rows=len(self.rows))

    @activity.defn(name="claim_calls")
    async def claim_calls(self, claim: ClaimInput) -> Claim:
        self.lingered += claim.linger
        if claim.key not in self.claims:
            self.claims[claim.key] = self._take()
        self.peak = max(self.peak, self.in_flight)
        return Claim(
            state=self.state,
            revision=self.revision,
            calls=self.claims[claim.key],
            in_flight=self.in_flight,
            open_recipients=sum(1 for row in self.rows if not row.done),
            reason="calls in flight",
        )

    def _take(self) -> tuple[ClaimedCall, ...]:
        if self.state is not CampaignState.RUNNING:
            return ()
        taken = []
        for number, row in enumerate(self.rows):
            if self.in_flight >= self.max_concurrent:
                break
            if not row.done and row.live is None:
                row.calls += 1
                row.live = f"{self.name}-{number}-{row.calls}"
                taken.append(self._call(number, row))
        return tuple(taken)

    def _call(self, number: int, row: Row) -> ClaimedCall:
        return ClaimedCall(
            call_id=row.live or "",
            workflow_id=f"call/default/{self.name}/1/{number}/{row.calls}",
            tenant="default",
            campaign=self.name,
            line="simulated",
            masked="+1202•••0123",
            attempt=1,
            ring_timeout=timedelta(seconds=30),
            max_duration=timedelta(minutes=10),
        )

    @activity.defn(name="set_campaign_state")
    async def set_campaign_state(self, change: StateInput) -> StateResult:
        if self.refuse is not None:
            raise ApplicationError(self.refuse, type="IllegalTransition", non_retryable=True)
        stops = self.state is CampaignState.STOPPING is not change.state
        if self.state.over or stops:
            raise ApplicationError("it stops", type="IllegalTransition", non_retryable=True)
        self.state = change.state
        if change.state is CampaignState.STOPPING:
            for row in self.rows:
                row.done = row.done or row.live is None
        return StateResult(state=self.state, revision=self.revision)

    @activity.defn(name="apply_revision")
    async def apply_revision(self, apply: ApplyInput) -> StateResult:
        if self.refuse is not None:
            raise ApplicationError(self.refuse, type="RevisionChanged", non_retryable=True)
        if apply.proposal not in self.applied:
            self.applied.append(apply.proposal)
            self.revision += 1
            self.max_concurrent += 1
        return StateResult(state=self.state, revision=self.revision)

    @activity.defn(name="finish_campaign")
    async def finish_campaign(self, campaign: CampaignRef) -> Finish:
        if self.in_flight or not all(row.done for row in self.rows):
            return Finish(over=False)
        if not self.state.over:  # a repeated execution finds it over
            stopping = self.state is CampaignState.STOPPING
            self.state = CampaignState.STOPPED if stopping else CampaignState.FINISHED
        return Finish(over=True, progress=await self.read_progress(campaign))

    @activity.defn(name="add_recipients")
    async def add_recipients(self, add: AddInput) -> Enrolled:
        if add.file is not None:
            self.files.append(add.file)
        stopping = self.state is CampaignState.STOPPING
        self.rows.extend(Row(done=stopping) for _ in add.recipients)
        return Enrolled(rows=len(add.recipients))

    @activity.defn(name="hang_up_calls")
    async def hang_up_calls(self, campaign: CampaignRef) -> Signalled:
        self.hang_ups += 1
        return Signalled(calls=self.in_flight)

    @activity.defn(name="read_progress")
    async def read_progress(self, campaign: CampaignRef) -> Progress:
        done = Counter("completed" for row in self.rows if row.calls)
        return Progress(
            campaign=self.name,
            tenant="default",
            state=self.state,
            launch=1,
            recipients=len(self.rows),
            by_state={"done": len(self.rows)},
            by_outcome=dict(done),
            calls={"completed": sum(row.calls for row in self.rows)},
            attempts=sum(row.calls for row in self.rows),
            in_flight=self.in_flight,
            launched_at=datetime(2026, 3, 2, tzinfo=UTC),
        )

    @property
    def activities(self) -> list[Callable[..., object]]:
        return [
            self.enroll_recipients,
            self.claim_calls,
            self.set_campaign_state,
            self.apply_revision,
            self.finish_campaign,
            self.add_recipients,
            self.hang_up_calls,
            self.read_progress,
        ]
