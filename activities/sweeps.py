"""The sweepers: they repair what a crash or an operator left behind.

The sweeper of leases is the only one that frees a slot in place of the call, and only when
the workflow is closed or absent and the phone is certainly silent: nothing was sent, the
provider says that it ended, we ended it, or the longest duration has passed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

from temporalio import activity

from activities.calls import Calls
from activities.recovery import Recovery
from outdial.contracts.names import (
    HANG_UP_SIGNAL,
    NUDGE_SIGNAL,
    REPORT_SIGNAL,
    REQUEST_SETTLED_SIGNAL,
    campaign_workflow_id,
)
from outdial.contracts.signatures.call import CallReport, EndInput, HangUpInput, LookUp, LookUpInput
from outdial.contracts.signatures.sweep import SweepActivities, Swept
from outdial.dispatch.executions import Execution, ExecutionState, describe_execution
from outdial.dispatch.reports import report_of, reports_of
from outdial.dispatch.settled import sweep_callback_runs, tell_settled
from outdial.dispatch.starting import start_call
from outdial.dispatch.sweeping import BATCH, Deadline, each, pages
from outdial.dispatch.telling import signal_workflow
from outdial.domain.call.end import CallEnd
from outdial.domain.call.evidence import was_answered, was_started
from outdial.domain.call.status import Fence
from outdial.domain.line.routing import UnknownLine
from outdial.domain.record import CallRecord, CampaignRecord
from outdial.providers.errors import ProviderError
from outdial.resources.resources import Resources
from outdial.store.call import call_requests, calls, events, requests
from outdial.store.call.events import UnsignalledRow
from outdial.store.call.requests import Requester
from outdial.store.campaign import campaigns
from outdial.store.claims import leases
from outdial.store.claims.leases import LeaseCheck

log = logging.getLogger(__name__)

LEASE_AGE = timedelta(seconds=30)
"""Younger leases belong to calls whose workflow is just being started."""
START_AGE = timedelta(minutes=2)
"""Where there is more to do than the machine can, workflows start late. A call whose campaign's
workflow runs is left to that for so long: to give it back is safe, but nothing is won by it."""
EVENT_AGE = timedelta(seconds=10)
"""Younger events are being signalled by the process that stored them."""
MOST_FAILURES = 1000
"""So many items that can't be dealt with are stepped over in one round."""


class Sweeps(SweepActivities):
    """One bounded round each; an item that fails is logged, and the others go on."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._calls = Calls(resources)
        self._recovery = Recovery(resources)

    @activity.defn(name="sweep_events")
    async def sweep_events(self) -> Swept:
        until, resources = Deadline(), self._resources
        signalled = await self._signal_events(until.share(4))
        settled = await self._ask_for_analyses(until.share(3))
        started = await sweep_callback_runs(
            resources.database, resources.temporal, resources.clock, until
        )
        return Swept(events=signalled + settled + started)

    @activity.defn(name="sweep_leases")
    async def sweep_leases(self) -> Swept:
        now, until = self._resources.clock(), Deadline()

        async def read(after: LeaseCheck | None) -> Sequence[LeaseCheck]:
            return await self._resources.database.read(
                lambda s: leases.leases_to_check(
                    s, now=now, older_than=LEASE_AGE, limit=BATCH, after=after
                )
            )

        freed = 0
        async for page in pages(read, until=until):
            done = await each(
                page, self._check, what="lease of call", key=lambda c: c.call.id, until=until
            )
            freed += sum(done)
        return Swept(leases=freed)

    @activity.defn(name="sweep_campaigns")
    async def sweep_campaigns(self) -> Swept:
        """Every open campaign is carried out by a workflow; one that a person ended is stopped."""
        until = Deadline()
        open_campaigns = await self._resources.database.read(campaigns.list_open_campaigns)
        repaired = await each(
            open_campaigns, self._recovery.repair, what="campaign", key=lambda c: c.id, until=until
        )
        return Swept(campaigns=sum(repaired) + await self._restart_standing(until))

    async def _restart_standing(self, until: Deadline) -> int:
        """Standing campaigns whose people are ready, which the next request would start."""

        async def read(after: CampaignRecord | None) -> Sequence[CampaignRecord]:
            last = 0 if after is None else after.id
            return await self._resources.database.read(
                lambda s: call_requests.with_people_ready(s, after=last, limit=BATCH)
            )

        restarted = 0
        async for page in pages(read, until=until):
            restart = self._recovery.restart_standing
            done = await each(
                page, restart, what="standing campaign", key=lambda c: c.id, until=until
            )
            restarted += sum(done)
        return restarted

    @activity.defn(name="sweep_requests")
    async def sweep_requests(self) -> Swept:
        """Requesters learn that their recipient has ended, should the signal have been lost."""

        async def read(after: Requester | None) -> Sequence[Requester]:
            last = 0 if after is None else after.recipient_id
            return await self._resources.database.read(
                lambda s: requests.untold_requesters(s, after=last, limit=BATCH)
            )

        told, until = 0, Deadline()
        async for page in pages(read, until=until):
            done = await each(
                page, self._tell, what="requester of", key=lambda r: r.recipient_id, until=until
            )
            known = [one.recipient_id for one, ok in zip(page, done, strict=True) if ok]
            await self._resources.database.write(
                lambda s, ids=known: requests.mark_requesters_told(s, ids)  # type: ignore[misc]
            )
            told += len(known)
        return Swept(requests=told)

    async def _tell(self, requester: Requester) -> bool:
        return await signal_workflow(
            self._resources.temporal, requester.workflow_id, REQUEST_SETTLED_SIGNAL
        )

    async def _signal_events(self, until: Deadline) -> int:
        """Those that were stored by somebody who died before he could signal them."""
        before = self._resources.clock() - EVENT_AGE
        failed: list[int] = []
        signalled = 0

        async def read(_: UnsignalledRow | None) -> Sequence[UnsignalledRow]:
            if len(failed) > MOST_FAILURES:
                return ()
            return await self._resources.database.read(
                lambda s: events.unsignalled_rows(s, before=before, limit=BATCH, without=failed)
            )

        async for page in pages(read, until=until):
            done = await each(
                page, self._pass_on, what="event", key=lambda row: row.id, until=until
            )
            told = [row.id for row, ok in zip(page, done, strict=True) if ok]
            failed += [row.id for row, ok in zip(page, done, strict=True) if not ok]
            now = self._resources.clock()
            await self._resources.database.write(
                lambda s, ids=told, now=now: events.mark_signalled(s, ids, now=now)  # type: ignore[misc]
            )
            signalled += len(told)
        return signalled

    async def _pass_on(self, row: UnsignalledRow) -> bool:
        """Whether nothing is left to be told."""
        report = report_of(row.call_id, events.stored_event(row).event)
        if report is None:
            return True
        return await signal_workflow(
            self._resources.temporal, row.workflow_id, REPORT_SIGNAL, report
        )

    async def _ask_for_analyses(self, until: Deadline) -> int:
        """Those of ended calls that have not come by themselves; somebody may have opted out."""
        due = self._resources.clock() + self._resources.analysis_grace
        failed: list[str] = []
        settled = 0

        async def read(_: CallRecord | None) -> Sequence[CallRecord]:
            if len(failed) > MOST_FAILURES:
                return ()
            return await self._resources.database.read(
                lambda s: calls.awaiting_analysis(s, before=due, limit=BATCH, without=failed)
            )

        async for page in pages(read, until=until):
            done = await each(
                page, self._settle, what="analysis of call", key=lambda c: c.id, until=until
            )
            failed += [call.id for call, ok in zip(page, done, strict=True) if not ok]
            settled += sum(done)
        return settled

    async def _settle(self, call: CallRecord) -> bool:
        """With the analysis, or without one that the provider does not have either; False when
        it could not be asked: then the next round tries, and at the latest a claim settles it."""
        configured = call.line in self._resources.lines
        if configured and await self._look_up(call.id) is None:
            return False
        settled = await self._resources.database.write(
            lambda s: calls.settle_call(s, call.id, now=self._resources.clock())
        )
        resources = self._resources
        await tell_settled(resources.database, resources.temporal, settled, resources.clock())
        await self._nudge(call)
        return True

    async def _check(self, lease: LeaseCheck) -> bool:
        """Whether its slot was freed."""
        call = lease.call
        execution = await describe_execution(self._resources.temporal, call.workflow_id)
        if await self._is_looked_after(call, execution):
            if lease.to_be_hung_up:
                await signal_workflow(self._resources.temporal, call.workflow_id, HANG_UP_SIGNAL)
            return False
        if self._was_lost(lease, execution) and await start_call(
            self._resources.temporal, lease.claimed
        ):
            log.warning("call %s had no workflow; started one that follows it", call.id)
            return False
        if not await self._free(lease):
            return False
        await self._nudge(call)
        return True

    def _was_lost(self, lease: LeaseCheck, execution: Execution) -> bool:
        """Whether the phone may ring or talk, and Temporal has no trace of the call."""
        return (
            execution.state is ExecutionState.ABSENT
            and lease.call.fence in (Fence.PLACING, Fence.PLACED)
            and not lease.to_be_hung_up
            and self._resources.clock() < lease.expires_at
        )

    async def _free(self, lease: LeaseCheck) -> bool:
        """Free the slot of a call whose workflow is gone; False while the phone may be busy."""
        call, now = lease.call, self._resources.clock()
        found = await self._resources.database.write(
            lambda s: leases.close_fence(s, call.id, now=now)
        )
        if found in (Fence.CLAIMED, Fence.CLOSED, Fence.NOT_PLACED):
            await self._resources.database.write(
                lambda s: leases.release_unplaced(s, call.id, now=now)
            )
            return True
        end = await self._end_of(lease)
        if end is None:
            return False
        ended = await self._calls.end_call(EndInput(call_id=call.id, end=end))
        return ended.status.terminal

    async def _end_of(self, lease: LeaseCheck) -> CallEnd | None:
        """How an unwatched call ended; None while it may still be going on."""
        call, now = lease.call, self._resources.clock()
        # What was reported when nobody was there to hear it, a look-up may not tell again.
        stored = await self._resources.database.read(lambda s: events.events_of_call(s, call.id))
        end = self._reported_end(call, reports_of(call.id, stored))
        if end is not None:
            return end
        looked = await self._look_up(call.id)
        if looked is not None:
            end = self._reported_end(call, reports_of(call.id, stored) + looked.reports)
            if end is not None:
                return end
            if looked.absent:
                return CallEnd.absent(now)
        if now < lease.expires_at:
            await self._hang_up(call.id)
            return None
        return CallEnd.unknown(
            now,
            "its workflow was ended from outside, and no call lasts so long",
            wait_if_answered=self._resources.analysis_wait(call.line),
        )

    def _reported_end(self, call: CallRecord, reports: Sequence[CallReport]) -> CallEnd | None:
        """The end that a provider reported, or None."""
        ends = [report for report in reports if report.status.terminal]
        if not ends:
            return None
        return CallEnd.of(
            ends[-1],
            answered_before=any(was_answered(report) for report in reports),
            started_before=any(was_started(report) for report in reports),
            wait_if_answered=self._resources.analysis_wait(call.line),
        )

    async def _look_up(self, call_id: str) -> LookUp | None:
        try:
            return await self._calls.look_up_call(LookUpInput(call_id=call_id))
        except (ProviderError, UnknownLine) as error:
            log.warning("asking about call %s failed: %s", call_id, type(error).__name__)
            return None

    async def _hang_up(self, call_id: str) -> None:
        """Nobody follows this call any more; the next round sees that it ended."""
        try:
            await self._calls.hang_up_call(HangUpInput(call_id=call_id))
        except (ProviderError, UnknownLine) as error:
            log.warning("ending call %s failed: %s", call_id, type(error).__name__)

    async def _nudge(self, call: CallRecord) -> None:
        await signal_workflow(
            self._resources.temporal, campaign_workflow_id(call.tenant, call.campaign), NUDGE_SIGNAL
        )

    async def _is_looked_after(self, call: CallRecord, execution: Execution) -> bool:
        """Whether its workflow is open, or is about to be started by the campaign's."""
        if execution.state is not ExecutionState.ABSENT:
            return execution.open
        if self._resources.clock() - call.created_at >= START_AGE:
            return False
        campaign = campaign_workflow_id(call.tenant, call.campaign)
        return (await describe_execution(self._resources.temporal, campaign)).open
