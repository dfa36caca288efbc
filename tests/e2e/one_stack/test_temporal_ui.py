"""What the one on duty finds in the Temporal UI, read through the API that the UI reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

import httpx
import pytest
import pytest_asyncio
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowExecution, WorkflowHistory

from outdial.contracts.names import campaign_workflow_id
from outdial.domain.call.status import CallStatus
from outdial.intake.definition import read_definition
from outdial.runtime.stack.statefile import StackState
from outdial.services.campaigns.launching import launch_campaign
from tests.drafts import read_roster
from tests.e2e.histories import chain, histories, summaries, texts
from tests.e2e.stacks import QUICKSTART, Stack, unlike_each_other
from tests.waiting import until

pytestmark = pytest.mark.faults

SAID = ("Person:", "Machine:", "Hello", "Lost & Found")
"""Words that only a transcript or a recipient's variables hold."""


@dataclass(frozen=True)
class Run:
    """Quickstart, run to its end, as Temporal keeps it."""

    stack: Stack
    campaign: list[WorkflowHistory]
    calls: dict[str, WorkflowHistory]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def quickstart(stack: Stack) -> AsyncIterator[Run]:
    loaded = read_definition(QUICKSTART)
    await stack.network.configure({"people": {"overrides": unlike_each_other()}})
    await launch_campaign(stack.ctx, loaded)
    await stack.until_over("quickstart", timeout=120)
    calls = await stack.calls("quickstart")
    yield Run(
        stack,
        await chain(stack.client, campaign_workflow_id("default", "quickstart")),
        await histories(stack.client, (call.workflow_id for call in calls)),
    )


async def test_the_list_is_filtered_by_campaign_and_by_what_became_of_calls(
    quickstart: Run,
) -> None:
    records = await quickstart.stack.calls("quickstart")
    everything = len(records) + 1
    # What only the analysis tells may come after the workflow has closed.
    told_at_the_end = Counter(
        call.outcome for call in records if call.status is not CallStatus.COMPLETED
    )
    assert told_at_the_end.keys() == {"busy", "failed:rejected"}
    queries = {
        'Campaign="quickstart"': everything,
        'Campaign="quickstart" AND Line="simulated"': everything - 1,
        'Campaign="quickstart" AND CallStatus="busy"': told_at_the_end["busy"],
        **{
            f'Campaign="quickstart" AND Outcome="{outcome}"': number
            for outcome, number in told_at_the_end.items()
        },
    }
    # The list follows the histories, attribute by attribute, a moment later.
    for query, number in queries.items():
        await until(partial(_counts, quickstart, query, number), timeout=20)
    again = await _listed(quickstart, 'Campaign="quickstart" AND Attempt=2')
    assert {one.id.rpartition("/")[2] for one in again} == {"2"}


async def test_every_workflow_activity_and_timer_says_what_it_is(quickstart: Run) -> None:
    (campaign,) = quickstart.campaign
    texts = summaries(campaign)
    assert "campaign quickstart, launch 1" in texts
    assert "enroll the recipients" in texts
    assert any(one.endswith(", attempt 1, line simulated") and "•••" in one for one in texts)
    for history in quickstart.calls.values():
        texts = summaries(history)
        assert any(one.startswith("dial +") and "•••" in one for one in texts)
    for history in [campaign, *quickstart.calls.values()]:
        unnamed = [
            event.event_id
            for event in history.events
            if (
                event.HasField("timer_started_event_attributes")
                or event.HasField("activity_task_scheduled_event_attributes")
                or event.HasField("marker_recorded_event_attributes")
                or event.HasField("start_child_workflow_execution_initiated_event_attributes")
            )
            and not event.user_metadata.HasField("summary")
        ]
        assert unnamed == []


async def test_a_person_sees_what_is_waited_for(quickstart: Run) -> None:
    stack = quickstart.stack
    campaign = stack.client.get_workflow_handle(campaign_workflow_id("default", "quickstart"))
    details = await _details(campaign.id, stack)
    assert details == "**finished**"
    for workflow_id in list(quickstart.calls)[:5]:
        details = await _details(workflow_id, stack)
        assert "•••" in details
        assert details.endswith("over")


async def test_no_number_no_word_and_no_secret_is_in_any_history(quickstart: Run) -> None:
    loaded = read_definition(QUICKSTART)
    people = list(read_roster(loaded))
    state: StackState = quickstart.stack.embedded.state
    forbidden = [person.phone.removeprefix("+") for person in people]
    forbidden += [name for person in people for name in person.variables.values() if len(name) > 4]
    forbidden += [state.api_key, state.webhook_secret, state.webhook_secret[6:], *SAID]
    for history in [*quickstart.campaign, *quickstart.calls.values()]:
        for text in texts(history):
            assert not [word for word in forbidden if word in text], text


async def test_the_ui_is_served_and_shows_the_same_list(quickstart: Run) -> None:
    """The UI's own door: the page, and the list behind it."""
    ui = quickstart.stack.embedded.state.endpoints.ui
    async with httpx.AsyncClient(base_url=ui, trust_env=False) as http:
        page = await http.get("/namespaces/default/workflows")
        assert page.status_code == 200
        assert "<html" in page.text
        listed = await http.get(
            "/api/v1/namespaces/default/workflow-count",
            params={"query": 'Campaign="quickstart"'},
        )
    assert int(listed.json()["count"]) == len(quickstart.calls) + 1


async def _listed(run: Run, query: str) -> list[WorkflowExecution]:
    return [one async for one in run.stack.client.list_workflows(query)]


async def _counts(run: Run, query: str, count: int) -> bool:
    return (await run.stack.client.count_workflows(query)).count == count


async def _details(workflow_id: str, stack: Stack) -> str:
    """What `set_current_details` said last."""
    metadata = await stack.client.get_workflow_handle(workflow_id).query(
        "__temporal_workflow_metadata", result_type=WorkflowMetadata
    )
    return str(metadata.current_details)
