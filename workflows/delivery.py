"""DeliveryWorkflow: delivers the events in one endpoint's outbox, in order."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from outdial.contracts import names, options
    from outdial.contracts.messages import DeliveryResult
    from outdial.contracts.signatures.delivery import DeliveryActivities, Drained, EndpointRef

LONGEST_SLEEP = timedelta(hours=1)
"""The outbox is polled at least this often, without any signal."""


@workflow.defn(name="DeliveryWorkflow")
class DeliveryWorkflow:
    """Runs while something is pending; signalled when more has become due."""

    @workflow.init
    def __init__(self, endpoint: EndpointRef) -> None:
        self._nudged = False
        self._sent = 0

    @workflow.run
    async def run(self, endpoint: EndpointRef) -> DeliveryResult:
        while True:
            self._nudged = False
            drained = await self._drain(endpoint)
            self._sent += drained.sent
            if drained.wake_at is None and not self._nudged:
                return DeliveryResult(sent=self._sent)
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(endpoint)
            await self._rest(drained)

    async def _drain(self, endpoint: EndpointRef) -> Drained:
        drain = workflow.start_activity_method(
            DeliveryActivities.drain_endpoint,
            endpoint,
            task_queue=names.DELIVERY_QUEUE,
            summary="send what is due",
            # It ends with the requests under way; another drain beside it would overtake it.
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            **options.DELIVER,
        )
        try:
            return await asyncio.shield(drain)
        except asyncio.CancelledError:
            drain.cancel()
            await workflow.wait([drain])
            raise

    @workflow.signal(description="Something is due")
    def nudge(self) -> None:
        self._nudged = True

    @workflow.query(description="How many requests were sent")
    def sent(self) -> int:
        return self._sent

    async def _rest(self, drained: Drained) -> None:
        """Wait until the next delivery is due, or a signal arrives."""
        if self._nudged or drained.wake_at is None:
            return
        wait = min(drained.wake_at - workflow.now(), LONGEST_SLEEP)
        if wait <= timedelta(0):
            return
        workflow.set_current_details(f"waiting until {drained.wake_at:%Y-%m-%d %H:%M:%SZ}")
        try:
            await workflow.wait_condition(
                lambda: self._nudged, timeout=wait, timeout_summary="the next try is due"
            )
        except TimeoutError:
            return
