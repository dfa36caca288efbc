"""Campaigns that another service runs through Temporal pass the checks of every other door."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from outdial.contracts.messages import CampaignResult
from outdial.services.errors import NoSuchCampaign
from outdial.services.operations import reading
from tests.builders import phone
from tests.databases import migrated, sqlite_database
from tests.e2e.engine import Engine, engine
from tests.receiver import Receiver, receiving
from tests.waiting import until

__all__ = ["at_work"]

NOW = datetime(2026, 12, 2, 15, 0, tzinfo=UTC)
CAMPAIGN = {
    "name": "awaited",
    "purpose": "informational",
    "agent": "a",
    "schedule": {"hours": "00:00-24:00"},
    "recipients": [{"phone": phone(7000)}],
}
SALES = CAMPAIGN | {"purpose": "telemarketing"}
TOKYO = {"phone": "+81312345678", "consent": "written", "consent_proof": "form 17"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def at_work(temporal_server: WorkflowEnvironment) -> AsyncIterator[Engine]:
    with sqlite_database() as url, migrated(url) as database:
        async with engine(temporal_server.client, database, NOW) as running:
            yield running


async def start(
    server: WorkflowEnvironment, body: dict[str, Any]
) -> WorkflowHandle[Any, dict[str, Any]]:
    """As a service would that has nothing of our code: names and JSON."""
    address = server.client.service_client.config.target_host
    plain = await Client.connect(address, namespace=server.client.namespace)
    return await plain.start_workflow(
        "RunCampaignWorkflow",
        {"tenant": "default"} | body,
        id=f"run-{uuid.uuid4().hex}",
        task_queue="outdial",
    )


async def refusal(server: WorkflowEnvironment, body: dict[str, Any]) -> str:
    handle = await start(server, body)
    with pytest.raises(WorkflowFailureError) as failed:
        await handle.result()
    cause = failed.value.cause.__cause__
    assert isinstance(cause, ApplicationError)
    assert cause.type == "LaunchRefused"
    return cause.message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "found neither definition nor file"),
        ({"file": "../pyproject.toml"}, "not within the worker's campaigns folder"),
        ({"definition": {"name": "x"}}, "found no purpose"),
        ({"tenant": "other", "definition": CAMPAIGN}, "no line is configured"),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_fails_with_its_reason(
    at_work: Engine, temporal_server: WorkflowEnvironment, body: dict[str, Any], message: str
) -> None:
    assert message in await refusal(temporal_server, body)


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        (CAMPAIGN | {"recipients": [{"phone": "12"}]}, "phone: found '12'"),
        (SALES | {"recipients": [TOKYO]}, "no telemarketing rules are known for JP"),
        (
            SALES | {"accept_risk": [{"rule": "US-FL.horus", "reason": "a slip of the pen"}]},
            "accept_risk[0].rule: found 'US-FL.horus', which is no rule",
        ),
        (
            CAMPAIGN | {"webhooks": [{"url": "https://user:word@shop.example/hooks"}]},
            "url: found a URL with a user or password",
        ),
    ],
)  # fmt: skip
async def test_a_launch_that_is_refused_leaves_nothing_behind(
    at_work: Engine, temporal_server: WorkflowEnvironment, definition: dict[str, Any], message: str
) -> None:
    named = definition | {"name": f"refused-{uuid.uuid4().hex[:6]}"}
    assert message in await refusal(temporal_server, {"definition": named})
    with pytest.raises(NoSuchCampaign):
        await reading.require_campaign(at_work.ctx, named["name"])


async def test_a_risk_that_is_accepted_sets_its_rule_aside(
    at_work: Engine, temporal_server: WorkflowEnvironment
) -> None:
    risk = {"rule": "no-rules.JP", "reason": "counsel looked at it"}
    definition = SALES | {"name": "tokyo", "recipients": [TOKYO], "accept_risk": [risk]}
    handle = await start(temporal_server, {"definition": definition})
    result = await handle.result()
    assert result["recipients"] == {"completed": 1}, result


async def test_who_can_never_be_called_is_shown(
    at_work: Engine, temporal_server: WorkflowEnvironment
) -> None:
    """In the run's details, as the Temporal UI shows them."""
    people = [{"phone": phone(7010)} | {"consent": "written", "consent_proof": "form 17"},
              {"phone": phone(7011)}]  # fmt: skip
    handle = await start(
        temporal_server, {"definition": SALES | {"name": "some", "recipients": people}}
    )
    result = CampaignResult.model_validate(await handle.result())
    assert result.recipients["completed"] == 1
    shown = await handle.query("__temporal_workflow_metadata")
    assert "can never be called, 1 recipient: written consent is needed" in str(shown)


async def test_its_webhooks_are_told(at_work: Engine, temporal_server: WorkflowEnvironment) -> None:
    async with receiving(Receiver()) as customer:
        webhooks = [{"url": customer.url, "events": ["campaign.started", "campaign.finished"]}]
        definition = CAMPAIGN | {"name": "telling", "webhooks": webhooks}
        await (await start(temporal_server, {"definition": definition})).result()

        async def delivered() -> bool:
            return len(customer.taken) == 2

        await until(delivered)
        assert customer.types() == ["campaign.started", "campaign.finished"]
        assert {one.event["data"]["campaign"] for one in customer.taken} == {"telling"}
