"""One campaign: claim, start the calls, wait, until nobody is left to call."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import ChildWorkflowError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from activities import options
    from activities.signatures.campaign import (
        AddInput,
        CampaignActivities,
        CampaignRef,
        ClaimInput,
        EnrollInput,
        StateInput,
    )
    from domain.call import CallStatus
    from domain.claim import CampaignState, Claim, ClaimedCall
    from workflows import names
    from workflows.call import CallWorkflow
    from workflows.messages import (
        AddRequest,
        CampaignCarry,
        CampaignInput,
        CampaignResult,
        CampaignView,
        PauseRequest,
        ResumeRequest,
        StopRequest,
    )

STRAY_POLL = timedelta(seconds=1)
"""Calls started by an earlier run end without telling this one; each lasts about a minute."""
LATE_CLOSE_POLL = timedelta(seconds=30)
"""A call whose slot is free closes within a moment. If its worker died in between, the ends of
others are taken for its own until it closes; this often that is put right."""


@workflow.defn(name="CampaignWorkflow")
class CampaignWorkflow:
    """The roster is in the database; this run knows only the calls it has in flight."""

    @workflow.init
    def __init__(self, campaign: CampaignInput) -> None:
        self._input = campaign
        self._ref = CampaignRef(campaign_id=campaign.campaign_id)
        self._enrolled = campaign.carry.enrolled or campaign.standing
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting = 0
        self._children = 0
        """Calls that were started and have not told their end."""
        self._expected = 0
        """Fewer children than that mean a slot that became free since the last claim."""
        self._claims = 0
        self._awake = True
        self._alarm: datetime | None = None
        self._claim = Claim(state=CampaignState.RUNNING)

    @workflow.run
    async def run(self, campaign: CampaignInput) -> CampaignResult:
        try:
            return await self._call_everybody()
        except asyncio.CancelledError:
            await self._change(CampaignState.STOPPING, because="cancelled")
            return await self._call_everybody()

    async def _call_everybody(self) -> CampaignResult:
        if not self._enrolled:
            await self._enroll()
        while True:
            self._claim = claim = await self._claim_calls()
            self._start(claim.calls)
            over = await self._finished(claim)
            if over is not None:
                return over
            self._show()
            if self._should_continue_as_new():
                await self._continue_as_new()
            await self._wait(claim)

    async def _enroll(self) -> None:
        workflow.set_current_details("enrolling recipients")
        await workflow.execute_activity_method(
            CampaignActivities.enroll_recipients,
            EnrollInput(campaign_id=self._input.campaign_id, launch=self._input.launch),
            summary="enroll the recipients",
            **options.ENROLL,
        )
        self._enrolled = True

    async def _claim_calls(self) -> Claim:
        self._claims += 1
        linger = self._slot_is_free() and bool(self._children)
        self._awake, children = False, self._children
        claim = await workflow.execute_local_activity_method(
            CampaignActivities.claim_calls,
            ClaimInput(
                campaign_id=self._input.campaign_id,
                key=f"{workflow.info().run_id}/{self._claims}",
                linger=linger,
            ),
            summary="whom to call now",
            **options.SHORT_WRITE,
        )
        # A call frees its slot before it closes. Those that had done so by then, but have not
        # told yet, are the children beyond `in_flight`: their end is no news.
        self._expected = min(claim.in_flight, children + len(claim.calls))
        return claim

    def _slot_is_free(self) -> bool:
        return self._children < self._expected

    def _start(self, calls: tuple[ClaimedCall, ...]) -> None:
        """Start all at once. They are acknowledged while the next claim lingers."""
        for call in calls:
            self._starting += 1
            self._children += 1
            self._keep(asyncio.create_task(self._start_call(call)))

    async def _start_call(self, call: ClaimedCall) -> None:
        try:
            child = await workflow.start_child_workflow(
                CallWorkflow.run,
                call,
                id=call.workflow_id,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                search_attributes=_attributes(call),
                static_summary=f"{call.masked}, attempt {call.attempt}, line {call.line}",
            )
        except WorkflowAlreadyStartedError:
            self._children -= 1
            return  # in flight since an earlier run; its lease tells when it is over
        finally:
            self._starting -= 1
        try:
            await child
        except ChildWorkflowError:
            workflow.logger.warning("a call workflow did not complete", extra={"call": child.id})
        self._children -= 1

    def _keep(self, task: asyncio.Task[None]) -> None:
        """The event loop holds tasks weakly."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finished(self, claim: Claim) -> CampaignResult | None:
        over = claim.state.over
        if self._input.standing and not over:
            return None
        if not over and (claim.open_recipients or claim.in_flight):
            return None
        finish = await workflow.execute_local_activity_method(
            CampaignActivities.finish_campaign,
            self._ref,
            summary="end it, if nothing is left",
            **options.SHORT_WRITE,
        )
        if not finish.over or finish.progress is None:
            return None
        await workflow.wait_condition(self._may_close)
        workflow.set_current_details(f"**{finish.progress.state}**")
        return CampaignResult.of(finish.progress)

    async def _wait(self, claim: Claim) -> None:
        """Until a slot becomes free, an alarm rings, or somebody nudges."""
        if self._awake or self._slot_is_free():
            return
        wake_at, because = claim.wake_at, claim.because
        if claim.in_flight != self._children:
            strays = claim.in_flight > self._children
            poll_at = workflow.now() + (STRAY_POLL if strays else LATE_CLOSE_POLL)
            if wake_at is None or poll_at < wake_at:
                wake_at, because = poll_at, "look for calls that ended without telling"
        if wake_at is not None and (self._alarm is None or wake_at < self._alarm):
            self._alarm = wake_at
            self._keep(asyncio.create_task(self._ring(wake_at, because)))
        await workflow.wait_condition(lambda: self._awake or self._slot_is_free())

    async def _ring(self, at: datetime, because: str) -> None:
        wait = at - workflow.now()
        if wait > timedelta(0):
            await workflow.sleep(wait, summary=because[:200] or "claim again")
        if self._alarm == at:
            self._alarm = None
        self._awake = True

    def _should_continue_as_new(self) -> bool:
        limit = self._input.continue_after_events
        if limit is not None:
            return workflow.info().get_current_history_length() >= limit
        return workflow.info().is_continue_as_new_suggested()

    async def _continue_as_new(self) -> None:
        await workflow.wait_condition(self._may_close)
        workflow.continue_as_new(
            self._input.model_copy(update={"carry": CampaignCarry(enrolled=self._enrolled)})
        )

    def _may_close(self) -> bool:
        """A start that is not acknowledged would be lost with this run."""
        return workflow.all_handlers_finished() and not self._starting

    @workflow.signal(description="Look for work now")
    def nudge(self) -> None:
        self._awake = True

    @workflow.update(description="Place no more calls until resumed")
    async def pause(self, request: PauseRequest) -> CampaignView:
        return await self._change(CampaignState.PAUSED, because=request.because)

    @workflow.update(description="Go on calling")
    async def resume(self, request: ResumeRequest) -> CampaignView:
        return await self._change(CampaignState.RUNNING)

    @workflow.update(description="End the campaign; let calls in flight end, or hang them up")
    async def stop(self, request: StopRequest) -> CampaignView:
        view = await self._change(
            CampaignState.STOPPING, hang_up=request.hang_up, because=request.because
        )
        if request.hang_up:
            await workflow.execute_activity_method(
                CampaignActivities.hang_up_calls,
                self._ref,
                summary="hang up calls in flight",
                **options.READ,
            )
        return view

    @workflow.update(description="Add recipients to the roster")
    async def add_recipients(self, request: AddRequest) -> CampaignView:
        await workflow.wait_condition(lambda: self._enrolled)
        await workflow.execute_activity_method(
            CampaignActivities.add_recipients,
            AddInput(
                campaign_id=self._input.campaign_id,
                launch=self._input.launch,
                recipients=request.recipients,
            ),
            summary="add recipients",
            **options.ENROLL,
        )
        self._awake = True
        return CampaignView(state=self._claim.state, revision=self._claim.revision)

    @workflow.query(description="What the last claim saw")
    def progress(self) -> Claim:
        return self._claim.model_copy(update={"calls": ()})

    async def _change(
        self, state: CampaignState, *, hang_up: bool = False, because: str | None = None
    ) -> CampaignView:
        changed = await workflow.execute_local_activity_method(
            CampaignActivities.set_campaign_state,
            StateInput(
                campaign_id=self._input.campaign_id,
                state=state,
                hang_up=hang_up,
                because=because,
            ),
            summary=f"it is to be {state}",
            **options.SHORT_WRITE,
        )
        self._awake = True
        return CampaignView(state=changed.state, revision=changed.revision)

    def _show(self) -> None:
        claim = self._claim
        workflow.set_current_details(
            f"**{claim.state}** · {claim.open_recipients} people to go, "
            f"{claim.in_flight} calls in flight\n\n{claim.because}"
        )


def _attributes(call: ClaimedCall) -> TypedSearchAttributes:
    return TypedSearchAttributes(
        [
            SearchAttributePair(names.CAMPAIGN, call.campaign),
            SearchAttributePair(names.LINE, call.line),
            SearchAttributePair(names.ATTEMPT, call.attempt),
            SearchAttributePair(names.CALL_STATUS, CallStatus.QUEUED.value),
        ]
    )
