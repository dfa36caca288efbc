"""Campaign workflow: claims calls, starts their workflows and waits, until no recipient is left."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import (
    ApplicationError,
    ChildWorkflowError,
    FailureError,
    WorkflowAlreadyStartedError,
)

with workflow.unsafe.imports_passed_through():
    from outdial.contracts import options
    from outdial.contracts.messages import (
        AddRequest,
        ApplyRequest,
        CampaignCarry,
        CampaignInput,
        CampaignResult,
        CampaignView,
        PauseRequest,
        ResumeRequest,
        StopRequest,
    )
    from outdial.contracts.search_attributes import attributes_of_call
    from outdial.contracts.signatures.campaign import (
        AddInput,
        ApplyInput,
        CampaignActivities,
        CampaignRef,
        ClaimInput,
        EnrollInput,
        StateInput,
    )
    from outdial.domain.call.claim import CampaignState, Claim, ClaimedCall
    from outdial.domain.operator import Operator
    from workflows.bounds import require_bounded
    from workflows.call import CallWorkflow
    from workflows.cancellation import run_to_end

STRAY_POLL = timedelta(seconds=1)
LONGEST_STRAY_POLL = timedelta(seconds=30)
"""Calls that an earlier run started are no children of this one, so their ends are polled for. The
interval doubles while none of them ends, since a call may last for hours."""
LATE_CLOSE_POLL = timedelta(seconds=30)
"""A call's workflow closes within a moment after its slot is freed. If its worker died in between,
the ends of other calls are mistaken for its own until it closes; a claim this often corrects it."""
STAGED_POLL = timedelta(minutes=1)
"""How soon enrolment is retried after no staged row could be enrolled."""
LONGEST_STAGED_POLL = timedelta(minutes=30)
"""The wait doubles with each failed enrolment, up to this."""


@workflow.defn(name="CampaignWorkflow")
class CampaignWorkflow:
    """One campaign. The roster is in the database; a run knows only the calls it has in flight."""

    @workflow.init
    def __init__(self, campaign: CampaignInput) -> None:
        self._input = campaign
        self._ref = CampaignRef(campaign_id=campaign.campaign_id)
        self._enrolled = campaign.carry.enrolled or campaign.direct
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting = 0
        self._children = 0
        """Child workflows that were started and have not closed."""
        self._expected = 0
        """With fewer children than that, a slot has become free since the last claim."""
        self._claims = 0
        self._awake = True
        self._alarm: datetime | None = None
        self._claim = Claim(state=CampaignState.RUNNING)
        self._revision = 0
        """At least this one is in force, as the last claim or update said."""
        self._enrolling = 0
        self._enroll_from: datetime | None = None
        """Staged rows are not enrolled before: last time none of them could be."""
        self._enroll_wait = STAGED_POLL
        self._finish_again = False
        """No recipient is left, but the campaign could not be finished yet."""
        self._stray_poll = STRAY_POLL
        self._strays = 0
        self._stopping = False
        """It was cancelled, and that is being stored: nothing is claimed meanwhile."""
        self._leaving = False
        """A direct campaign was cancelled: the next request starts it again."""

    @workflow.run
    async def run(self, campaign: CampaignInput) -> CampaignResult:
        return await run_to_end(self._call_all(), self._on_cancel)

    def _on_cancel(self) -> None:
        if self._input.direct:
            self._leaving = self._awake = True
        elif not self._stopping:
            self._stopping = True
            self._keep(asyncio.create_task(self._stop_as_cancelled()))

    async def _stop_as_cancelled(self) -> None:
        try:
            await self._change(CampaignState.STOPPING, reason="cancelled")
        except FailureError:
            # A local activity that fails raises its ApplicationError, without an ActivityError.
            workflow.logger.warning("a cancelled campaign was over already")
        self._stopping = False
        self._awake = True

    async def _call_all(self) -> CampaignResult:
        if not self._enrolled:
            await self._enroll(options.ENROLL)
            self._enrolled = True
        while True:
            await self._handle_cancellation()
            self._claim = claim = await self._claim_calls()
            self._revision = max(self._revision, claim.revision)
            self._start(claim.calls)
            self._enroll_staged(claim)
            over = await self._finished(claim)
            if over is not None:
                return over
            self._show()
            if self._should_continue_as_new():
                await self._continue_as_new()
            await self._wait(claim)

    async def _handle_cancellation(self) -> None:
        if self._stopping:
            await workflow.wait_condition(lambda: not self._stopping)
        if self._leaving:
            await workflow.wait_condition(self._may_close)
            raise asyncio.CancelledError

    async def _enroll(self, how: options.Options) -> int:
        workflow.set_current_details("enrolling recipients")
        self._enrolling += 1
        try:
            enrolled = await workflow.execute_activity_method(
                CampaignActivities.enroll_recipients,
                EnrollInput(campaign_id=self._input.campaign_id, launch=self._input.launch),
                summary="enroll the recipients",
                **how,
            )
        finally:
            self._enrolling -= 1
        return enrolled.rows

    def _enroll_staged(self, claim: Claim) -> None:
        """Enrol rows that were added, should the update that announces them never arrive."""
        if not claim.staged or self._enrolling:
            return
        if self._enroll_from is None or self._enroll_from <= workflow.now():
            self._keep(asyncio.create_task(self._enroll_added()))

    async def _enroll_added(self) -> None:
        try:
            rows = await self._enroll(options.ENROLL_ADDED)
        except FailureError:
            workflow.logger.warning("rows that were added could not be enrolled")
            self._enroll_from = workflow.now() + self._enroll_wait
            self._enroll_wait = min(self._enroll_wait * 2, LONGEST_STAGED_POLL)
        else:
            self._enroll_from = None if rows else workflow.now() + STAGED_POLL
            self._enroll_wait = STAGED_POLL
        self._awake = True

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
            summary="claim calls",
            **options.SHORT_WRITE,
        )
        # A call frees its slot before its workflow closes. Children beyond `in_flight` had freed
        # theirs by then: their closing frees nothing more.
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
                search_attributes=attributes_of_call(call),
                static_summary=f"{call.masked}, attempt {call.attempt}, line {call.line}",
            )
        except WorkflowAlreadyStartedError:
            self._children -= 1
            return  # in flight since an earlier run; its lease says when it is over
        finally:
            self._starting -= 1
        try:
            await child
        except ChildWorkflowError:
            workflow.logger.warning("a call workflow did not complete", extra={"call": child.id})
        self._children -= 1

    def _keep(self, task: asyncio.Task[None]) -> None:
        """Keep a reference: the event loop holds tasks weakly."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finished(self, claim: Claim) -> CampaignResult | None:
        over = claim.state.over
        if self._input.direct and not over:
            return None
        if not over and (claim.open_recipients or claim.in_flight):
            return None
        finish = await workflow.execute_local_activity_method(
            CampaignActivities.finish_campaign,
            self._ref,
            summary="finish the campaign if nothing is left",
            **options.SHORT_WRITE,
        )
        if not finish.over or finish.progress is None:
            self._finish_again = finish.look_again
            return None
        await workflow.wait_condition(self._may_close)
        workflow.set_current_details(f"**{finish.progress.state}**")
        return CampaignResult.of(finish.progress)

    async def _wait(self, claim: Claim) -> None:
        """Wait until a slot becomes free, the timer fires, or a signal wakes the campaign."""
        if self._awake or self._slot_is_free():
            return
        wake_at, reason = claim.wake_at, claim.reason
        if claim.wake_after is not None:
            wake_at = workflow.now() + claim.wake_after
        for poll_at, why in self._polls(claim):
            if wake_at is None or poll_at < wake_at:
                wake_at, reason = poll_at, why
        if wake_at is not None and (self._alarm is None or wake_at < self._alarm):
            self._alarm = wake_at
            self._keep(asyncio.create_task(self._ring(wake_at, reason)))
        await workflow.wait_condition(lambda: self._awake or self._slot_is_free())

    def _polls(self, claim: Claim) -> Iterator[tuple[datetime, str]]:
        """When to claim again although no signal will wake the campaign, and why."""
        now = workflow.now()
        strays = claim.in_flight - self._children
        if strays > 0:
            same = strays == self._strays
            self._stray_poll = min(self._stray_poll * 2, LONGEST_STRAY_POLL) if same else STRAY_POLL
            yield now + self._stray_poll, "check calls whose end is not reported here"
        elif strays < 0:
            yield now + LATE_CLOSE_POLL, "check calls whose end is not reported here"
        self._strays = max(strays, 0)
        # The end of a running enrolment wakes the campaign; a poll meanwhile would follow at once.
        if claim.staged and self._enroll_from is not None and not self._enrols_quietly():
            yield max(self._enroll_from, now), "enroll rows that were added"
        if self._finish_again:
            self._finish_again = False
            yield now + LATE_CLOSE_POLL, "finish the campaign"

    def _enrols_quietly(self) -> bool:
        return self._enrolling > 0 and workflow.patched("no-poll-while-enrolling")

    async def _ring(self, at: datetime, reason: str) -> None:
        wait = at - workflow.now()
        if wait > timedelta(0):
            await workflow.sleep(wait, summary=reason[:200] or "claim again")
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
        """Whether no start is unacknowledged: it would be lost with this run."""
        busy = self._starting or self._enrolling or self._stopping
        return workflow.all_handlers_finished() and not busy

    @workflow.signal(description="Claim again now")
    def nudge(self) -> None:
        self._awake = True

    @workflow.update(description="Place no more calls until resumed")
    async def pause(self, request: PauseRequest) -> CampaignView:
        return await self._change(CampaignState.PAUSED, reason=request.reason, by=request.by)

    @workflow.update(description="Go on calling")
    async def resume(self, request: ResumeRequest) -> CampaignView:
        return await self._change(CampaignState.RUNNING, by=request.by)

    @workflow.update(description="End the campaign; let calls in flight end, or hang them up")
    async def stop(self, request: StopRequest) -> CampaignView:
        view = await self._change(
            CampaignState.STOPPING, hang_up=request.hang_up, reason=request.reason, by=request.by
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
        # An earlier version may have accepted it; what it carries is not read any more.
        if request.oversize and workflow.patched("bounded-update"):
            require_bounded(request)
        self._enrolling += 1
        try:
            await workflow.execute_activity_method(
                CampaignActivities.add_recipients,
                AddInput(
                    campaign_id=self._input.campaign_id,
                    launch=self._input.launch,
                    recipients=request.recipients,
                    file=request.file,
                ),
                summary="add recipients",
                **options.ENROLL,
            )
        finally:
            self._enrolling -= 1
        self._awake = True
        return CampaignView(state=self._claim.state, revision=self._claim.revision)

    @workflow.update(description="Make the campaign match a proposed revision")
    async def apply(self, request: ApplyRequest) -> CampaignView:
        applied = await workflow.execute_local_activity_method(
            CampaignActivities.apply_revision,
            ApplyInput(campaign_id=request.campaign_id, proposal=request.proposal),
            summary="apply a revision",
            **options.SHORT_WRITE,
        )
        self._revision = max(self._revision, applied.revision)
        self._awake = True
        return CampaignView(state=applied.state, revision=applied.revision)

    @apply.validator
    def check_apply(self, request: ApplyRequest) -> None:
        """Refuse what is certain to be refused, without a trace in the history; the rest is decided
        where the revision is stored."""
        require_bounded(request)
        mine = self._input
        if mine.direct or (request.campaign_id, request.launch) != (mine.campaign_id, mine.launch):
            raise ApplicationError(
                f"the revision was proposed for another campaign or launch than {mine.campaign}, "
                f"launch {mine.launch}",
                type="WrongCampaign",
                non_retryable=True,
            )
        if request.revision < self._revision:
            raise ApplicationError(
                f"campaign {mine.campaign} is at revision {self._revision}, and the change was "
                f"made from revision {request.revision}; look at what differs now, and apply it "
                "again",
                type="RevisionChanged",
                non_retryable=True,
            )

    @pause.validator
    def check_pause(self, request: PauseRequest) -> None:
        require_bounded(request)

    @resume.validator
    def check_resume(self, request: ResumeRequest) -> None:
        require_bounded(request)

    @stop.validator
    def check_stop(self, request: StopRequest) -> None:
        require_bounded(request)

    @add_recipients.validator
    def check_add_recipients(self, request: AddRequest) -> None:
        require_bounded(request)

    @workflow.query(description="Result of the last claim")
    def progress(self) -> Claim:
        return self._claim.model_copy(update={"calls": ()})

    async def _change(
        self,
        state: CampaignState,
        *,
        hang_up: bool = False,
        reason: str | None = None,
        by: Operator | None = None,
    ) -> CampaignView:
        changed = await workflow.execute_local_activity_method(
            CampaignActivities.set_campaign_state,
            StateInput(
                campaign_id=self._input.campaign_id,
                state=state,
                hang_up=hang_up,
                reason=reason,
                by=by,
            ),
            summary=f"set the state to {state}",
            **options.SHORT_WRITE,
        )
        self._awake = True
        return CampaignView(state=changed.state, revision=changed.revision)

    def _show(self) -> None:
        claim = self._claim
        workflow.set_current_details(
            f"**{claim.state}** · {claim.open_recipients} recipients to go, "
            f"{claim.in_flight} calls in flight\n\n{claim.reason}"
        )
