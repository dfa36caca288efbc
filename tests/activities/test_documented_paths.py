"""A number goes from its CSV row to a provider, and the provider's report of the call's end to the
database, through the functions that docs/architecture.md lists."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from inspect import unwrap
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, cast

import httpx
import pytest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.calls import Calls
from activities.campaigns import Campaigns
from outdial.api.app import build_app, open_state
from outdial.contracts.names import REPORT_SIGNAL
from outdial.contracts.signatures.call import PlaceInput, PlacementResult
from outdial.contracts.signatures.campaign import ClaimInput, EnrollInput
from outdial.domain.call.event import CallEnd, CallEvent
from outdial.domain.call.status import CallStatus
from outdial.intake.definition import read_definition
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.resources.resources import Resources
from outdial.services.campaigns.launching import store_launch
from tests.builders import NOW
from tests.databases import migrated, sqlite_database
from tests.providers.contract.registry import stages
from tests.providers.contract.stage import Delivery, Stage
from tests.test_docs import path_of, resolved

NUMBER = "+12025550123"
DEFINITION = """
name: documented
purpose: informational
line: main
agent: https://agents.example.com/reminder.xml
recipients: { csv: contacts.csv }
schedule: { hours: 00:00-24:00 }
"""
CALLER = "+12125550199"
NO_TEMPORAL = cast("Client", None)
ELSEWHERE = frozenset(
    {
        # It calls what is called here, and then starts the workflow; no Temporal server runs.
        "outdial.services.campaigns.launching.launch_campaign",
        "outdial.domain.definition.campaign.CampaignDefinition",  # pydantic's own code builds it
        "workflows.call.CallWorkflow.report",  # in a workflow, which no worker runs here
    }
)


@contextmanager
def calls_noted() -> Iterator[set[CodeType]]:
    """The code of every Python function that this thread, and those it starts, call meanwhile."""
    noted: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            noted.add(frame.f_code)

    before = sys.getprofile(), threading.getprofile()
    sys.setprofile(note)
    threading.setprofile(note)
    try:
        yield noted
    finally:
        sys.setprofile(before[0])
        threading.setprofile(before[1])


def codes_of(function: Any) -> set[CodeType]:
    """The code of a function; of a class, that of its methods."""
    if isinstance(function, type):
        members = vars(function).values()
        return {found for each in members for found in codes_of(each)}
    code = getattr(unwrap(getattr(function, "__func__", function)), "__code__", None)
    return set() if code is None else {code}


@pytest.fixture(scope="module")
async def called(tmp_path_factory: pytest.TempPathFactory) -> set[CodeType]:
    """What was called while a campaign of one number was launched, claimed and dialed. Once: what
    is read the first time is remembered afterwards."""
    tmp_path = tmp_path_factory.mktemp("documented")
    (tmp_path / "contacts.csv").write_text("phone,first_name\n+1 202-555-0123,Ada\n")
    (tmp_path / "documented.yaml").write_text(DEFINITION)
    # Threads that an earlier test started would note nothing.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
    async with stages()["twilio"]() as stage:
        line = Line("main", stage.provider_class(stage.line()), LinePolicy(caller_ids=(CALLER,)))
        try:
            with calls_noted() as noted:
                await _launch_and_dial(tmp_path / "documented.yaml", line, stage)
        finally:
            await line.provider.aclose()
        (dialed,) = stage.calls.values()
        assert dialed.to == NUMBER
        assert stage.violations == []
    return noted


class _Signals:
    """A client of Temporal that keeps what workflows are signalled."""

    def __init__(self) -> None:
        self.events: list[CallEvent] = []

    def get_workflow_handle(self, _: str) -> _Signals:
        return self

    async def signal(self, name: str, *, args: Sequence[CallEvent]) -> None:
        assert name == REPORT_SIGNAL
        self.events += args


async def _launch_and_dial(definition: Path, line: Line, stage: Stage) -> None:
    with sqlite_database() as url, migrated(url) as database:
        ctx = Resources(database, NO_TEMPORAL, Lines([line]), lambda: NOW)
        resources = replace(ctx, public_url="http://outdial.test")
        written = await store_launch(ctx, read_definition(definition), again=False)
        campaign, launch = written.record.id, written.record.launch
        run = ActivityEnvironment().run
        await run(
            Campaigns(resources).enroll_recipients, EnrollInput(campaign_id=campaign, launch=launch)
        )
        claim = await run(
            Campaigns(resources).claim_calls,
            ClaimInput(campaign_id=campaign, key="k", linger=False),
        )
        (call,) = claim.calls
        placed = await run(Calls(resources).place_call, PlaceInput(call_id=call.call_id))
        assert placed.result is PlacementResult.PLACED
        (dialed,) = stage.calls.values()
        stage.move(dialed, CallStatus.RINGING, CallStatus.IN_PROGRESS, CallStatus.COMPLETED)
        report = stage.deliver(dialed, CallStatus.COMPLETED)
        assert report is not None
        await _receive_end(resources, report)


async def _receive_end(resources: Resources, report: Delivery) -> None:
    """The API takes the report and signals it; the call's workflow has its end recorded."""
    signals = _Signals()
    served = replace(resources, temporal=cast("Client", signals))
    app = build_app(lambda: open_state(served, resources.public_url))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://outdial.test"
        ) as api,
    ):
        answer = await api.post(report.url, headers=report.headers, content=report.body)
        assert answer.json() == {"stored": 1, "new": 1}
    (event,) = signals.events
    assert event.call_id is not None
    ended = await ActivityEnvironment().run(
        Calls(served).end_call, event.call_id, CallEnd.of(event)
    )
    assert ended.status is CallStatus.COMPLETED


@pytest.mark.parametrize(
    "heading", ["The number of a CSV row", "A provider's webhook", "The YAML key `hours:`"]
)
async def test_every_function_of_the_path_is_called(heading: str, called: set[CodeType]) -> None:
    functions, _ = path_of(heading)
    idle = [
        name
        for name in functions
        if name not in ELSEWHERE and not codes_of(resolved(name)) & called
    ]
    assert not idle
