"""Repairs what crashes and operators leave behind; started by a schedule."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from outdial.contracts import options
    from outdial.contracts.messages import SweepResult
    from outdial.contracts.signatures.sweep import SweepActivities, Swept


@workflow.defn(name="SweepWorkflow")
class SweepWorkflow:
    """One round of all sweepers; one that fails does not stop the others."""

    @workflow.run
    async def run(self) -> SweepResult:
        events = await self._sweep(SweepActivities.sweep_events, "signal stored webhooks")
        leases = await self._sweep(SweepActivities.sweep_leases, "free abandoned slots")
        campaigns = await self._sweep(SweepActivities.sweep_campaigns, "repair campaigns")
        if workflow.patched("sweep-requests"):
            await self._sweep(SweepActivities.sweep_requests, "signal requesters")
        return SweepResult(
            events=events.events, leases=leases.leases, campaigns=campaigns.campaigns
        )

    async def _sweep(self, sweep: object, summary: str) -> Swept:
        try:
            swept: Swept = await workflow.execute_activity_method(
                sweep,  # type: ignore[call-overload]  # any of the four, by the same signature
                summary=summary,
                **options.SWEEP,
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("a sweep failed", extra={"sweep": summary})
            return Swept()
        return swept
