"""A campaign of 300 is changed while it runs: pacing in force within a second, hours and lines
within a claim, nobody lost, called twice or stranded; also when the worker is killed meanwhile."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from outdial.dispatch.errors import WorkerTimeout
from outdial.domain.call.status import REMOVED
from outdial.domain.record import CallRecord
from outdial.intake.definition import read_definition_text
from outdial.services.campaigns.applying import Applied, apply_definition, roll_back
from outdial.services.campaigns.revisions import list_revisions
from outdial.services.campaigns.roster_mode import RosterMode
from outdial.services.operations import reading
from tests.faults.harness import LINE, Stack, campaign, numbers, open_stack, plan_stack
from tests.faults.invariants import assert_nothing_broken
from tests.faults.killing_worker import Step
from tests.waiting import until

pytestmark = pytest.mark.faults

NAME = "changed"
RECIPIENTS, REMOVALS, ADDITIONS = 300, 10, 20
PEOPLE = numbers(RECIPIENTS)
LISTED = [*PEOPLE[:-REMOVALS], *numbers(ADDITIONS, start=RECIPIENTS)]
"""In the changed file: the last ones are removed before it is their turn."""
SLOW, FAST = 5, 40
IN_FORCE = 1.0
"""Seconds."""
SPARE = {f"OUTDIAL_LINES__SPARE__{key}": value for key, value in LINE.items()} | {
    "OUTDIAL_LINES__SPARE__PROVIDER": "simulated"
}


def definition(people: list[str], *, max_concurrent: int, line: str = "simulated") -> str:
    return campaign(NAME, people, max_concurrent=max_concurrent, line=line)


def closed(people: list[str]) -> str:
    """Nobody is called before another revision."""
    open_hours = definition(people, max_concurrent=FAST)
    start = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}"
    return open_hours.replace("time_zone: UTC", f"time_zone: UTC, start: {start}")


async def change(stack: Stack, text: str, mode: RosterMode = RosterMode.KEEP) -> Applied:
    return await apply_definition(stack.ctx, read_definition_text(text), mode=mode, reason="test")


async def in_flight(stack: Stack, at_least: int) -> bool:
    return (await stack.progress(NAME)).in_flight >= at_least


async def calls_since(stack: Stack, revision: int) -> list[CallRecord]:
    """Calls that were claimed under a revision."""
    calls = await reading.list_calls(stack.ctx, NAME, limit=100_000)
    return [call for call in calls if call.evidence.get("revision") == revision]


@pytest.mark.slow
async def test_a_run_of_300_is_changed_many_times(tmp_path: Path) -> None:
    async with open_stack(plan_stack(tmp_path, more=SPARE)) as stack:
        await stack.launch(definition(PEOPLE, max_concurrent=SLOW))
        await until(lambda: in_flight(stack, SLOW), timeout=120)

        assert (await change(stack, definition(PEOPLE, max_concurrent=FAST))).changed
        begun = time.monotonic()
        await until(lambda: in_flight(stack, SLOW + 1), timeout=10, interval=0.02)
        assert time.monotonic() - begun < IN_FORCE

        applied = await change(stack, closed(PEOPLE))
        assert [each.path for each in applied.differences] == ["schedule.start"]

        async def idle() -> bool:
            return not (await stack.progress(NAME)).in_flight

        await until(idle, timeout=120)
        applied = await change(stack, closed(LISTED), RosterMode.MATCH)
        assert (applied.roster.added, applied.removed) == (ADDITIONS, REMOVALS)
        assert await calls_since(stack, 3) + await calls_since(stack, 4) == []
        assert (await roll_back(stack.ctx, NAME, 2, reason="open again")).changed
        await until(lambda: in_flight(stack, SLOW), timeout=120)

        moved = await change(stack, definition(PEOPLE, max_concurrent=FAST, line="spare"))
        assert [each.path for each in moved.differences] == ["line[spare]", "line[simulated]"]
        await stack.until_over(NAME, timeout=400)
        aftermath = await stack.aftermath(NAME)
        revisions = await list_revisions(stack.ctx, NAME, limit=20)
        on_spare = await calls_since(stack, 6)
    assert_nothing_broken(aftermath, recipients=RECIPIENTS + ADDITIONS, max_concurrent=FAST)
    assert [(each.revision, each.restores, each.added, each.removed) for each in revisions] == [
        (6, None, 0, 0),
        (5, 2, 0, 0),
        (4, None, ADDITIONS, REMOVALS),
        (3, None, 0, 0),
        (2, None, 0, 0),
        (1, None, 0, 0),
    ]
    assert {call.line for call in on_spare} == {"spare"}
    removed = {row.phone for row in aftermath.recipients if row.reason == REMOVED}
    assert removed == set(PEOPLE[-REMOVALS:])
    assert {call.to for call in aftermath.calls} == set(LISTED)


@pytest.mark.parametrize("step", [Step.CHANGE_DECIDED, Step.CHANGE_COMMITTED])
async def test_the_worker_dies_while_it_applies_a_change(tmp_path: Path, step: Step) -> None:
    mark = tmp_path / "mark"
    async with open_stack(plan_stack(tmp_path / "stack"), start_worker=False) as stack:
        worker = stack.parts["worker"]
        worker.run_instead("tests.faults.killing_worker", step.value, str(mark))
        await worker.start()
        await stack.launch(definition(PEOPLE, max_concurrent=SLOW))
        await until(lambda: in_flight(stack, SLOW), timeout=120)
        text = definition(LISTED, max_concurrent=FAST)
        applying = asyncio.create_task(change(stack, text, RosterMode.MATCH))
        assert await worker.died() == -9
        assert mark.exists()
        await worker.start()
        applied = await _until_applied(stack, applying, text)
        await stack.until_over(NAME, timeout=400)
        aftermath = await stack.aftermath(NAME)
        revisions = await list_revisions(stack.ctx, NAME, limit=20)
    assert_nothing_broken(aftermath, recipients=RECIPIENTS + ADDITIONS, max_concurrent=FAST)
    assert applied.campaign.plan.pacing.max_concurrent == FAST
    assert [each.revision for each in revisions] == [2, 1]
    assert {call.to for call in aftermath.calls} == set(LISTED)


async def _until_applied(stack: Stack, applying: asyncio.Task[Applied], text: str) -> Applied:
    """As an operator would: what was reported as not applied is applied again."""
    while True:
        try:
            return await applying
        except WorkerTimeout:
            applying = asyncio.create_task(change(stack, text, RosterMode.MATCH))
