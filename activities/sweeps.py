"""The sweepers: they repair what a crash or an operator left behind.

The sweeper of leases is the only one that frees a slot in place of the call, and only when
the workflow is closed or absent and the call is certainly over: nothing was sent, the
provider says that it ended, we ended it, or the longest duration has passed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

from temporalio import activity

from activities.calls import Calls
from activities.recovery import Recovery
from activities.sweeping import BATCH, MOST_FAILURES, Deadline, sweep
from outdial.contracts.names import callback_workflow_id, campaign_workflow_id
from outdial.contracts.signatures.call import HangUpInput, LookUp, LookUpInput
from outdial.contracts.signatures.sweep import SweepActivities, Swept
from outdial.dispatch.executions import Execution, ExecutionState, describe_execution
from outdial.dispatch.settlements import propagate_settlement
from outdial.dispatch.signals import (
    send_report,
    send_request_settled,
    signal_hang_up,
    wake_campaign,
)
from outdial.dispatch.starting import start_call, start_callback_run
from outdial.domain.call.callback_run import CallbackRun
from outdial.domain.call.event import CallEnd, CallEvent, reports_of, was_answered, was_started
from outdial.domain.call.status import Fence
from outdial.domain.line.routing import UnknownLine
from outdial.domain.record import CallRecord, CampaignRecord
from outdial.metrics.calls import CALLS_ENDED
from outdial.providers.errors import ProviderError
from outdial.resources.resources import Resources
from outdial.store.call import calls, events, requests, settlement
from outdial.store.call.events import UnsignalledEvent
from outdial.store.call.requests import Requester
from outdial.store.callbacks import runs
from outdial.store.campaign.open_campaigns import OpenCampaign, list_open_campaigns
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
CALLBACK_RUN_AGE = timedelta(seconds=2)
"""Younger runs are being started by the process that settled their calls."""
SIGN_OF_LIFE = timedelta(seconds=30)
"""A campaign that has claimed a call since has a workflow: Temporal isn't asked. One that was ended
in the meantime is found by a later round."""
LOST_AGE = timedelta(seconds=60)
"""Runs that take longer are looked up in Temporal."""


class Sweeps(SweepActivities):
    """One bounded round each; an item that fails is logged, and the others go on."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._calls = Calls(resources)
        self._recovery = Recovery(resources)

    @activity.defn(name="sweep_events")
    async def sweep_events(self) -> Swept:
        until = Deadline()
        signalled = await self._signal_events(until.share(4))
        settled = await self._ask_for_analyses(until.share(3))
        failed = await self._end_lost_callback_runs(until.share(2))
        started = await self._start_callback_runs(until)
        until.raise_outage()
        return Swept(events=signalled + settled + failed + started)

    @activity.defn(name="sweep_leases")
    async def sweep_leases(self) -> Swept:
        now = self._resources.clock()

        async def read(after: LeaseCheck | None, _: object) -> Sequence[LeaseCheck]:
            return await self._resources.database.read(
                lambda s: leases.leases_to_check(
                    s, now=now, older_than=LEASE_AGE, limit=BATCH, after=after
                )
            )

        until = Deadline()
        freed = await sweep(
            read, self._check, what="lease of call", key=lambda c: c.call.id, until=until
        )
        until.raise_outage()
        return Swept(leases=freed)

    @activity.defn(name="sweep_campaigns")
    async def sweep_campaigns(self) -> Swept:
        """Every open campaign is carried out by a workflow; one that a person ended is stopped."""
        until = Deadline()
        since = self._resources.clock() - SIGN_OF_LIFE

        async def read(after: OpenCampaign | None, _: object) -> Sequence[OpenCampaign]:
            last = 0 if after is None else after.record.id
            return await self._resources.database.read(
                lambda s: list_open_campaigns(s, calling_since=since, limit=BATCH, after=last)
            )

        repaired = await sweep(
            read, self._recovery.repair, what="campaign", key=lambda c: c.record.id, until=until
        )
        restarted = await self._restart_direct_campaigns(until)
        until.raise_outage()
        return Swept(campaigns=repaired + restarted)

    async def _restart_direct_campaigns(self, until: Deadline) -> int:
        """Restart direct campaigns with ready recipients, without waiting for the next request."""

        async def read(after: CampaignRecord | None, _: object) -> Sequence[CampaignRecord]:
            last = 0 if after is None else after.id
            return await self._resources.database.read(
                lambda s: requests.with_people_ready(s, after=last, limit=BATCH)
            )

        return await sweep(
            read,
            self._recovery.restart_direct_campaign,
            what="direct campaign",
            key=lambda c: c.id,
            until=until,
        )

    @activity.defn(name="sweep_requests")
    async def sweep_requests(self) -> Swept:
        """Signal requesters whose recipient has ended, in case the first signal was lost."""
        resources, until = self._resources, Deadline()

        async def read(after: Requester | None, _: object) -> Sequence[Requester]:
            last = 0 if after is None else after.recipient_id
            return await resources.database.read(
                lambda s: requests.unsignalled_requesters(s, after=last, limit=BATCH)
            )

        async def mark(done: Sequence[Requester]) -> None:
            ids = [requester.recipient_id for requester in done]
            await resources.database.write(lambda s: requests.mark_requesters_signalled(s, ids))

        async def signal(requester: Requester) -> bool:
            await send_request_settled(resources.temporal, requester.workflow_id)
            return True

        signalled = await sweep(
            read,
            signal,
            what="requester of",
            key=lambda requester: requester.recipient_id,
            until=until,
            mark=mark,
        )
        until.raise_outage()
        return Swept(requests=signalled)

    async def _signal_events(self, until: Deadline) -> int:
        """Signal events that were stored by a process that died before it could signal them."""
        before = self._resources.clock() - EVENT_AGE

        async def read(
            _: UnsignalledEvent | None, failed: Sequence[int]
        ) -> Sequence[UnsignalledEvent]:
            return await self._resources.database.read(
                lambda s: events.unsignalled_events(s, before=before, limit=BATCH, without=failed)
            )

        async def mark(done: Sequence[UnsignalledEvent]) -> None:
            keys, now = [stored.key for stored in done], self._resources.clock()
            await self._resources.database.write(lambda s: events.mark_signalled(s, keys, now=now))

        return await sweep(
            read,
            self._signal_event,
            what="event",
            key=lambda stored: stored.id,
            until=until,
            mark=mark,
            most_failures=MOST_FAILURES,
        )

    async def _signal_event(self, stored: UnsignalledEvent) -> bool:
        event = stored.read()
        if event.status is not None:
            await send_report(self._resources.temporal, stored.workflow_id, event)
        return True

    async def _ask_for_analyses(self, until: Deadline) -> int:
        """Look up ended calls whose analysis has not come; the person may have opted out."""
        due = self._resources.clock() + self._resources.analysis_grace

        async def read(_: CallRecord | None, failed: Sequence[str]) -> Sequence[CallRecord]:
            return await self._resources.database.read(
                lambda s: calls.awaiting_analysis(s, before=due, limit=BATCH, without=failed)
            )

        return await sweep(
            read,
            self._settle,
            what="analysis of call",
            key=lambda call: call.id,
            until=until,
            most_failures=MOST_FAILURES,
        )

    async def _start_callback_runs(self, until: Deadline) -> int:
        """Start the workflows of runs that are not recorded as started; how many."""
        before = self._resources.clock() - CALLBACK_RUN_AGE

        async def read(_: CallbackRun | None, failed: Sequence[str]) -> Sequence[CallbackRun]:
            return await self._resources.database.read(
                lambda s: runs.unstarted(s, before=before, limit=BATCH, without=failed)
            )

        async def mark(done: Sequence[CallbackRun]) -> None:
            ids, now = [each.call_id for each in done], self._resources.clock()
            await self._resources.database.write(lambda s: runs.mark_started(s, ids, now=now))

        return await sweep(
            read,
            self._start_callback_run,
            what="callbacks of call",
            key=lambda each: each.call_id,
            until=until,
            mark=mark,
            most_failures=BATCH - 1,  # with more, Temporal is away, or nearly so
        )

    async def _start_callback_run(self, callback_run: CallbackRun) -> bool:
        temporal = self._resources.temporal
        await start_callback_run(temporal, callback_run.call_id, callback_run.run)
        return True

    async def _end_lost_callback_runs(self, until: Deadline) -> int:
        """Runs whose workflow is gone. Lost with Temporal's data: to be started once more, since
        what is done stays done. Ended otherwise: failed, so that it can be retried by hand."""
        before = self._resources.clock() - LOST_AGE

        async def read(after: CallbackRun | None, _: object) -> Sequence[CallbackRun]:
            return await self._resources.database.read(
                lambda s: runs.unfinished(s, before=before, limit=BATCH, after=after)
            )

        return await sweep(
            read,
            self._end_if_lost,
            what="callbacks of call",
            key=lambda each: each.call_id,
            until=until,
        )

    async def _end_if_lost(self, lost: CallbackRun) -> bool:
        """Whether it was ended; one that is to be started once more counts when it is."""
        resources, call_id, run = self._resources, lost.call_id, lost.run
        execution = await describe_execution(resources.temporal, callback_workflow_id(call_id, run))
        if execution.open:
            return False
        if execution.state is ExecutionState.ABSENT:
            await resources.database.write(lambda s: runs.mark_unstarted(s, call_id, run))
            return False
        error = f"its workflow was ended from outside ({execution.state})"
        now = resources.clock()
        await resources.database.write(
            lambda s: runs.finish_callback_run(s, call_id, run, error=error, now=now)
        )
        return True

    async def _settle(self, call: CallRecord) -> bool:
        """With the analysis, or without one that the provider does not have either; False when the
        look-up failed: then the next round tries, and at the latest a claim settles it."""
        configured = call.line in self._resources.lines
        if configured and await self._look_up(call.id) is None:
            return False
        settled = await self._resources.database.write(
            lambda s: settlement.settle_call(s, call.id, now=self._resources.clock())
        )
        resources = self._resources
        await propagate_settlement(
            resources.database, resources.temporal, settled, resources.clock()
        )
        await self._wake_campaign(call)
        return True

    async def _check(self, lease: LeaseCheck) -> bool:
        """Whether its slot was freed."""
        call = lease.call
        execution = await describe_execution(self._resources.temporal, call.workflow_id)
        if await self._is_followed(call, execution):
            if lease.to_be_hung_up:
                await signal_hang_up(self._resources.temporal, call.workflow_id)
            return False
        if self._was_lost(lease, execution) and await start_call(
            self._resources.temporal, lease.claimed
        ):
            log.warning("call %s had no workflow; started one that follows it", call.id)
            return False
        if not await self._free(lease):
            return False
        await self._wake_campaign(call)
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
        fence = await self._resources.database.write(
            lambda s: leases.close_fence(s, call.id, now=now)
        )
        if fence in (Fence.CLAIMED, Fence.CLOSED, Fence.NOT_PLACED):
            released = await self._resources.database.write(
                lambda s: leases.release_unplaced(s, call.id, now=now)
            )
            if released.changed:
                CALLS_ENDED.labels(released.line, released.status.value).inc()
            return True
        end = await self._end_of(lease)
        if end is None:
            return False
        ended = await self._calls.end_call(call.id, end)
        return ended.status.terminal

    async def _end_of(self, lease: LeaseCheck) -> CallEnd | None:
        """How an unwatched call ended; None while it may still be going on."""
        call, now = lease.call, self._resources.clock()
        # What was reported while no workflow followed the call, a look-up may not repeat.
        stored = await self._resources.database.read(lambda s: events.events_of_call(s, call.id))
        end = self._reported_end(call, reports_of(call.id, stored))
        if end is not None:
            return end
        answer = await self._look_up(call.id)
        if answer is not None:
            end = self._reported_end(call, reports_of(call.id, stored) + answer.reports)
            if end is not None:
                return end
            if answer.absent:
                return CallEnd.absent(now)
        if now < lease.expires_at:
            await self._hang_up(call.id)
            return None
        return CallEnd.unknown(
            now,
            "its workflow was ended from outside, and no call lasts so long",
            wait_if_answered=self._resources.analysis_wait(call.line),
        )

    def _reported_end(self, call: CallRecord, reports: Sequence[CallEvent]) -> CallEnd | None:
        """The end that a provider reported, or None."""
        ends = [each for each in reports if each.status is not None and each.status.terminal]
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
        """Hang up a call that no workflow follows; the next round records its end."""
        try:
            await self._calls.hang_up_call(HangUpInput(call_id=call_id))
        except (ProviderError, UnknownLine) as error:
            log.warning("ending call %s failed: %s", call_id, type(error).__name__)

    async def _wake_campaign(self, call: CallRecord) -> None:
        workflow_id = campaign_workflow_id(call.tenant, call.campaign)
        await wake_campaign(self._resources.temporal, workflow_id)

    async def _is_followed(self, call: CallRecord, execution: Execution) -> bool:
        """Whether its workflow is open, or is about to be started by the campaign's."""
        if execution.state is not ExecutionState.ABSENT:
            return execution.open
        if self._resources.clock() - call.created_at >= START_AGE:
            return False
        campaign = campaign_workflow_id(call.tenant, call.campaign)
        return (await describe_execution(self._resources.temporal, campaign)).open
