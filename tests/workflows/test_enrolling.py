"""Rows that were added while a campaign runs are enrolled without a claim for every moment."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner

from outdial.contracts import names
from outdial.contracts.messages import CampaignInput
from outdial.contracts.signatures.campaign import ClaimInput, Enrolled, EnrollInput
from outdial.domain.call.claim import CampaignState, Claim
from tests.waiting import until
from tests.workflows.cancelling import holds, working
from tests.workflows.holding import Handle, Hold
from tests.workflows.roster import FakeRoster
from tests.workflows.test_campaign import AnsweringCalls
from workflows.campaign import CampaignWorkflow


class Staging(FakeRoster):
    """Has staged rows for as long as no later enrolment has taken them."""

    def __init__(self, name: str, *, failures: int) -> None:
        super().__init__(name, 2, 2)
        self.failures = failures
        self.staged = True
        self.go_on = asyncio.Event()

    @activity.defn(name="claim_calls")
    async def claim_calls(self, claim: ClaimInput) -> Claim:
        claimed = await super().claim_calls(claim)
        return claimed.model_copy(update={"staged": self.staged})

    @activity.defn(name="enroll_recipients")
    async def enroll_recipients(self, enroll: EnrollInput) -> Enrolled:
        self.enrolled += 1
        if self.enrolled == 1:
            return Enrolled(rows=2)
        if self.enrolled < 2 + self.failures:
            raise ApplicationError("a bad chunk", non_retryable=True)
        if self.enrolled == 2 + self.failures:
            return Enrolled(rows=0)
        await self.go_on.wait()
        self.staged = False
        return Enrolled(rows=1)


@asynccontextmanager
async def staging(
    server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch, *, failures: int = 0
) -> AsyncIterator[tuple[Handle, Staging, AnsweringCalls]]:
    monkeypatch.setattr("workflows.campaign.STAGED_POLL", timedelta(milliseconds=50))
    name = f"c-{uuid.uuid4().hex[:8]}"
    roster = Staging(name, failures=failures)
    calls = AnsweringCalls(server, roster)
    calls.go_on.clear()
    parts = (*roster.activities, *calls.activities)
    async with working(server, name, Hold(None), *parts, runner=UnsandboxedWorkflowRunner()):
        handle: Handle = await server.client.start_workflow(
            CampaignWorkflow.run,
            CampaignInput(tenant="default", campaign=name, campaign_id=1, launch=1),
            id=names.campaign_workflow_id("default", name),
            task_queue=name,
        )
        yield handle, roster, calls


async def test_claims_wait_while_an_enrolment_runs(
    server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staging(server, monkeypatch) as (handle, roster, calls):
        await until(lambda: holds(roster.enrolled == 3 and calls.placed == 2), timeout=20)
        # A query is answered between tasks: claims without a wait would keep one task open.
        await handle.query(CampaignWorkflow.progress)
        assert len(roster.claims) < 20
        roster.go_on.set()
        calls.go_on.set()
        result = await asyncio.wait_for(handle.result(), 20)
    assert result.state is CampaignState.FINISHED


async def test_a_failed_enrolment_is_tried_again_later(
    server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staging(server, monkeypatch, failures=2) as (handle, roster, calls):
        await until(lambda: holds(roster.enrolled == 5), timeout=20)
        roster.go_on.set()
        await until(lambda: holds(not roster.staged), timeout=20)
        calls.go_on.set()
        result = await asyncio.wait_for(handle.result(), 20)
    assert result.state is CampaignState.FINISHED
    # An enrolment that fails is followed by a wait, not by claim after claim.
    assert len(roster.claims) < 20
