"""Shapes of campaign histories."""

from __future__ import annotations

from temporalio.testing import WorkflowEnvironment

from outdial.contracts.messages import (
    AddRequest,
    ApplyRequest,
    PauseRequest,
    ResumeRequest,
    StopRequest,
)
from outdial.domain.definition.recipient import RecipientDraft
from tests.replay.recording import Handle, holds, save
from tests.waiting import until
from tests.workflows.test_campaign import campaign
from workflows.campaign import CampaignWorkflow


async def finished(server: WorkflowEnvironment) -> dict[str, Handle]:
    async with campaign(server, recipients=9, max_concurrent=3) as (handle, _, _):
        await handle.result()
    finished = handle
    async with campaign(server, recipients=24, max_concurrent=6, continue_after_events=40) as (
        handle,
        _,
        _,
    ):
        await handle.result()
    first = server.client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
    last = server.client.get_workflow_handle(handle.id)
    return {
        "campaign_finished": finished,
        "campaign_continued_first_run": first,
        "campaign_continued_last_run": last,
    }


async def steered(server: WorkflowEnvironment) -> dict[str, Handle]:
    handles: dict[str, Handle] = {}
    async with campaign(server, recipients=6, max_concurrent=2, held=True) as (handle, _, calls):
        await until(lambda: holds(calls.placed == 2))
        _ = await handle.execute_update(CampaignWorkflow.pause, PauseRequest())
        _ = await handle.execute_update(
            CampaignWorkflow.add_recipients,
            AddRequest(recipients=(RecipientDraft(position=6, phone="+12025550123"),)),
        )
        _ = await handle.execute_update(CampaignWorkflow.resume, ResumeRequest())
        calls.go_on.set()
        await handle.result()
        handles["campaign_paused_resumed_added"] = handle
    async with campaign(server, recipients=6, max_concurrent=2, held=True) as (handle, _, calls):
        await until(lambda: holds(calls.placed == 2))
        _ = await handle.execute_update(CampaignWorkflow.stop, StopRequest(hang_up=True))
        calls.go_on.set()
        await handle.result()
        handles["campaign_stopped"] = handle
    async with campaign(server, recipients=6, max_concurrent=2, held=True) as (
        handle,
        roster,
        calls,
    ):
        await until(lambda: holds(calls.placed == 2))
        await handle.cancel()
        await until(lambda: holds(roster.state.value == "stopping"))
        calls.go_on.set()
        await handle.result()
        handles["campaign_cancelled"] = handle
    return handles


async def changed(server: WorkflowEnvironment) -> dict[str, Handle]:
    async with campaign(server, recipients=6, max_concurrent=2, held=True) as (handle, _, calls):
        await until(lambda: holds(calls.placed == 2))
        proposed = ApplyRequest(proposal="first", campaign_id=1, launch=1, revision=1)
        _ = await handle.execute_update(CampaignWorkflow.apply, proposed)
        await until(lambda: holds(calls.placed == 3))
        _ = await handle.execute_update(CampaignWorkflow.pause, PauseRequest())
        again = proposed.model_copy(update={"proposal": "second", "revision": 2})
        _ = await handle.execute_update(CampaignWorkflow.apply, again)
        _ = await handle.execute_update(CampaignWorkflow.resume, ResumeRequest())
        calls.go_on.set()
        await handle.result()
    return {"campaign_changed": handle}


async def waiting(server: WorkflowEnvironment) -> dict[str, Handle]:
    async with campaign(server, recipients=4, max_concurrent=2, held=True) as (
        handle,
        roster,
        calls,
    ):
        await until(lambda: holds(calls.placed == 2))
        save("campaign_waiting", await handle.fetch_history())
        row = roster.rows[0]
        call = server.client.get_workflow_handle(f"call/default/{roster.name}/1/0/{row.calls}")
        save("call_waiting", await call.fetch_history())
        calls.go_on.set()
        await handle.result()
    return {}
