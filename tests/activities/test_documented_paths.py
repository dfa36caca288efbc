"""A number goes from its CSV row to a provider through the functions that
docs/architecture.md lists."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from inspect import unwrap
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, cast

import pytest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.calls import Calls
from activities.campaigns import Campaigns
from outdial.contracts.signatures.call import PlaceInput, PlacementResult
from outdial.contracts.signatures.campaign import ClaimInput, EnrollInput
from outdial.intake.definition import read_definition
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.resources.resources import Resources
from outdial.services.campaigns.launching import store_launch
from tests.builders import NOW
from tests.databases import migrated, sqlite_database
from tests.providers.contract.registry import stages
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
                await _launch_and_dial(tmp_path / "documented.yaml", line)
        finally:
            await line.provider.aclose()
        (dialed,) = stage.calls.values()
        assert dialed.to == NUMBER
        assert stage.violations == []
    return noted


async def _launch_and_dial(definition: Path, line: Line) -> None:
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


@pytest.mark.parametrize("heading", ["The number of a CSV row", "The YAML key `hours:`"])
async def test_every_function_of_the_path_is_called(heading: str, called: set[CodeType]) -> None:
    functions, _ = path_of(heading)
    idle = [
        name
        for name in functions
        if name not in ELSEWHERE and not codes_of(resolved(name)) & called
    ]
    assert not idle
