"""The sweepers: they repair what a crash or an operator left behind.

The sweeper of leases is the only one that frees a slot in place of the call, and only when
the workflow is closed or absent and the phone is certainly silent: nothing was sent, the
provider says that it ended, we ended it, or the longest duration has passed.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from temporalio import activity
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from activities.calls import Calls
from activities.deps import Deps
from activities.reports import report_of
from activities.settled import sweep_chains, tell_settled
from activities.signatures.call import EndInput, HangUpInput, LookUp, LookUpInput
from activities.signatures.sweep import SweepActivities, Swept
from activities.telling import signal_workflow
from domain.call import CallStatus, FailureClass, Fence
from domain.claim import CampaignState
from domain.evidence import was_answered, was_started
from domain.record import CallEnd, CallRecord, CampaignRecord
from providers.port import ProviderError
from store import calls, campaigns, events
from store.claims import leases
from store.claims.leases import LeaseCheck
from store.events import StoredEvent
from workflows.names import NUDGE_SIGNAL, REPORT_SIGNAL, campaign_workflow_id

log = logging.getLogger(__name__)

LEASE_AGE = timedelta(seconds=30)
"""Younger leases belong to calls whose workflow is just being started."""
START_AGE = timedelta(minutes=2)
"""Where there is more to do than the machine can, workflows start late. A call whose campaign's
workflow runs is left to that for so long: to give it back is safe, but nothing is won by it."""
EVENT_AGE = timedelta(seconds=10)
"""Younger events are being signalled by the process that stored them."""
BATCH = 200


class Sweeps(SweepActivities):
    """One bounded round each."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._calls = Calls(deps)

    @activity.defn(name="sweep_events")
    async def sweep_events(self) -> Swept:
        now = self._deps.clock()
        missed = await self._deps.database.read(
            lambda s: events.unsignalled_events(s, before=now - EVENT_AGE, limit=BATCH)
        )
        rows = [stored.event_row_id for stored in missed if await self._pass_on(stored)]
        if rows:
            await self._deps.database.write(lambda s: events.mark_signalled(s, rows, now=now))
        asked = await self._ask_for_analyses()
        deps = self._deps
        started = await sweep_chains(deps.database, deps.temporal, deps.clock)
        return Swept(events=len(rows) + asked + started)

    @activity.defn(name="sweep_leases")
    async def sweep_leases(self) -> Swept:
        now = self._deps.clock()
        old = await self._deps.database.read(
            lambda s: leases.leases_to_check(s, now=now, older_than=LEASE_AGE, limit=BATCH)
        )
        freed = 0
        for lease in old:
            if await self._is_looked_after(lease.call):
                continue
            if await self._free(lease):
                freed += 1
                await self._nudge(lease.call)
        return Swept(leases=freed)

    @activity.defn(name="sweep_campaigns")
    async def sweep_campaigns(self) -> Swept:
        """A campaign whose workflow was ended from outside is stopped, not resurrected."""
        open_campaigns = await self._deps.database.read(campaigns.list_open_campaigns)
        now = self._deps.clock()
        closed = 0
        for campaign in open_campaigns:
            if now - campaign.launched_at < LEASE_AGE:
                continue
            if await self._is_open(campaign_workflow_id(campaign.tenant, campaign.name)):
                continue
            closed += await self._close(campaign)
        return Swept(campaigns=closed)

    async def _pass_on(self, stored: StoredEvent) -> bool:
        """Whether nothing is left to be told."""
        report = report_of(stored.call_id, stored.event)
        if report is None or stored.workflow_id is None:
            return True
        return await signal_workflow(self._deps.temporal, stored.workflow_id, REPORT_SIGNAL, report)

    async def _ask_for_analyses(self) -> int:
        """Those of ended calls that have not come by themselves; somebody may have opted out."""
        due = self._deps.clock() + self._deps.analysis_grace
        awaited = await self._deps.database.read(
            lambda s: calls.awaiting_analysis(s, before=due, limit=BATCH)
        )
        return sum(await asyncio.gather(*(self._settle(call) for call in awaited)))

    async def _settle(self, call: CallRecord) -> bool:
        """With the analysis, or without one that the provider does not have either; False when
        it could not be asked: then the next round tries, and at the latest a claim settles it."""
        if await self._look_up(call.id) is None:
            return False
        settled = await self._deps.database.write(
            lambda s: calls.settle_call(s, call.id, now=self._deps.clock())
        )
        deps = self._deps
        await tell_settled(deps.database, deps.temporal, settled, deps.clock())
        await self._nudge(call)
        return True

    async def _close(self, campaign: CampaignRecord) -> int:
        now = self._deps.clock()
        if campaign.state is not CampaignState.STOPPING:
            await self._deps.database.write(
                lambda s: campaigns.set_campaign_state(
                    s,
                    campaign.id,
                    CampaignState.STOPPING,
                    now=now,
                    because="its workflow was ended from outside",
                )
            )
        finished = await self._deps.database.write(
            lambda s: campaigns.finish_campaign(s, campaign.id, now=now)
        )
        return 0 if finished is None else 1

    async def _free(self, lease: LeaseCheck) -> bool:
        """Free the slot of a call whose workflow is gone; False while the phone may be busy."""
        call, now = lease.call, self._deps.clock()
        found = await self._deps.database.write(lambda s: leases.close_fence(s, call.id, now=now))
        if found in (Fence.CLAIMED, Fence.CLOSED, Fence.NOT_PLACED):
            await self._deps.database.write(lambda s: leases.release_unplaced(s, call.id, now=now))
            return True
        end = await self._end_of(lease)
        if end is None:
            return False
        ended = await self._calls.end_call(EndInput(call_id=call.id, end=end))
        return ended.status.terminal

    async def _end_of(self, lease: LeaseCheck) -> CallEnd | None:
        """How an unwatched call ended; None while it may still be going on."""
        call, now = lease.call, self._deps.clock()
        looked = await self._look_up(call.id)
        if looked is not None:
            ends = [report for report in looked.reports if report.status.terminal]
            if ends:
                return CallEnd.of(
                    ends[-1],
                    answered_before=any(was_answered(report) for report in looked.reports),
                    started_before=any(was_started(report) for report in looked.reports),
                    wait_if_answered=self._deps.analysis_wait(call.line),
                )
            if looked.absent:
                return CallEnd(
                    status=CallStatus.FAILED,
                    at=now,
                    failure=FailureClass.UNAVAILABLE,
                    detail="never arrived at the provider",
                    may_have_rung=False,
                    not_placed=True,
                )
        if now < lease.expires_at:
            await self._hang_up(call.id)
            return None
        return CallEnd(
            status=CallStatus.FAILED,
            at=now,
            failure=FailureClass.UNKNOWN,
            detail="its workflow was ended from outside, and no call lasts so long",
            wait_if_answered=self._deps.analysis_wait(call.line),
        )

    async def _look_up(self, call_id: str) -> LookUp | None:
        try:
            return await self._calls.look_up_call(LookUpInput(call_id=call_id))
        except ProviderError as error:
            log.warning("asking about call %s failed: %s", call_id, type(error).__name__)
            return None

    async def _hang_up(self, call_id: str) -> None:
        """Nobody follows this call any more; the next round sees that it ended."""
        try:
            await self._calls.hang_up_call(HangUpInput(call_id=call_id))
        except ProviderError as error:
            log.warning("ending call %s failed: %s", call_id, type(error).__name__)

    async def _nudge(self, call: CallRecord) -> None:
        await signal_workflow(
            self._deps.temporal, campaign_workflow_id(call.tenant, call.campaign), NUDGE_SIGNAL
        )

    async def _is_looked_after(self, call: CallRecord) -> bool:
        """Whether its workflow runs, or is about to be started by the campaign's."""
        status = await self._status(call.workflow_id)
        if status is not None:
            return status is WorkflowExecutionStatus.RUNNING
        if self._deps.clock() - call.created_at >= START_AGE:
            return False
        return await self._is_open(campaign_workflow_id(call.tenant, call.campaign))

    async def _is_open(self, workflow_id: str) -> bool:
        return await self._status(workflow_id) is WorkflowExecutionStatus.RUNNING

    async def _status(self, workflow_id: str) -> WorkflowExecutionStatus | None:
        """None: there is no such workflow. Raises when Temporal cannot tell."""
        try:
            described = await self._deps.temporal.get_workflow_handle(workflow_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        return described.status
