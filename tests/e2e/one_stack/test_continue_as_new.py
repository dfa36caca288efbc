"""A campaign that goes on in run after run, on a real store: nobody lost, nobody called twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from temporalio.client import Client, Interceptor, OutboundInterceptor, StartWorkflowInput
from temporalio.client import WorkflowHandle as Handle
from temporalio.contrib.pydantic import pydantic_data_converter

from outdial.contracts.messages import CampaignInput
from outdial.contracts.names import campaign_workflow_id
from outdial.domain.call.claim import CampaignState
from outdial.services.campaigns.launching import launch_campaign
from tests.builders import phone
from tests.e2e.histories import chain
from tests.e2e.stacks import Stack, campaign

pytestmark = pytest.mark.faults

PEOPLE = 20
SHORT_HISTORY = 10
"""Events after which a run is continued; a server suggests it after some thousands."""


class _Shortening(Interceptor):
    """Asks the campaigns that are started to keep their histories short."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _Outbound(next)


class _Outbound(OutboundInterceptor):
    async def start_workflow(self, input: StartWorkflowInput) -> Handle[Any, Any]:
        (request,) = input.args
        if isinstance(request, CampaignInput):
            request = request.model_copy(update={"continue_after_events": SHORT_HISTORY})
        return await super().start_workflow(replace(input, args=[request]))


async def test_nobody_is_lost_or_called_twice(stack: Stack) -> None:
    client = await Client.connect(
        stack.embedded.state.endpoints.temporal,
        data_converter=pydantic_data_converter,
        interceptors=[_Shortening()],
    )
    numbers = [phone(1000 + n) for n in range(PEOPLE)]
    definition = campaign("continued", numbers, pacing={"max_concurrent": 8})
    await launch_campaign(replace(stack.ctx, temporal=client), definition)
    over = await stack.until_over("continued")
    assert over.state is CampaignState.FINISHED
    assert over.by_outcome == {"completed": PEOPLE}

    runs = await chain(stack.client, campaign_workflow_id("default", "continued"))
    assert len(runs) >= 3
    called = Counter(call["to"] for call in await stack.network.calls())
    assert [called[number] for number in numbers] == [1] * PEOPLE
    assert len(await stack.calls("continued")) == PEOPLE
