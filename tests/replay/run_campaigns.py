"""Shapes of histories of campaigns that another service awaits."""

from __future__ import annotations

from temporalio.testing import WorkflowEnvironment

from outdial.contracts.signatures.launch import LaunchInput
from tests.replay.recording import Handle, save
from tests.workflows.test_run_campaign import refusal_of, running


async def awaited(server: WorkflowEnvironment) -> dict[str, Handle]:
    async with running(server, held=True) as at:
        finished = await at.start()
        await at.until_placed(2)
        save("run_campaign_waiting", await finished.fetch_history())
        second = await at.start()
        await refusal_of(second)
        at.calls.go_on.set()
        await finished.result()
    return {"run_campaign_finished": finished, "run_campaign_already_running": second}


async def not_carried_out(server: WorkflowEnvironment) -> dict[str, Handle]:
    async with running(server, held=True) as at:
        refused = await at.start(LaunchInput(tenant="default", file="x.yaml"))
        await refusal_of(refused)
        cancelled = await at.start()
        await at.until_placed(2)
        await cancelled.cancel()
        await at.until_stopping()
        at.calls.go_on.set()
        await cancelled.result()
    return {"run_campaign_refused": refused, "run_campaign_cancelled": cancelled}
