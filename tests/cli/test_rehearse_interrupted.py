"""`outdial rehearse --recipient` is interrupted like any rehearsal."""

from __future__ import annotations

import asyncio
import threading

import pytest

from outdial.cli.campaigns import rehearse
from outdial.cli.campaigns.staging import Interrupted
from outdial.domain.call.plan import CallPlan
from outdial.domain.rules.location import locate
from outdial.rehearsal.lines import LineSetup
from outdial.rehearsal.rehearsal import Rehearsal
from outdial.services.campaigns import rehearsing
from outdial.services.campaigns.rehearsal_processes import Interruption, RehearsalFailed
from outdial.services.campaigns.rehearsing import trace_recipient
from tests.builders import LINE, NOW, definition, draft, phone
from tests.waiting import until


def rehearsal() -> Rehearsal:
    drafts = tuple(each for each, _ in locate([draft(0)], None))
    lines = (LineSetup(LINE, max_concurrent=1, per_second=1, simulated=True),)
    return Rehearsal("reminder", CallPlan.of(definition()), drafts, lines, NOW)


def test_a_run_that_is_traced_ends_early() -> None:
    interruption = Interruption()
    assert trace_recipient(rehearsal(), 1, phone(0), interruption)
    interruption.request()
    with pytest.raises(RehearsalFailed):
        trace_recipient(rehearsal(), 1, phone(0), interruption)


async def test_ctrl_c_is_heard_while_a_run_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = threading.Event(), threading.Event()

    def endless(_of: Rehearsal, _seed: int, _number: str, interruption: Interruption) -> None:
        begun.set()
        while not interruption.requested:
            ended.wait(0.001)
        ended.set()

    async def has_begun() -> bool:
        return begun.is_set()

    monkeypatch.setattr(rehearsing, "trace_recipient", endless)
    task = asyncio.create_task(rehearse._steps(rehearsal(), 1, phone(0)))
    await until(has_begun)
    task.cancel()
    with pytest.raises(Interrupted):
        await task
    assert await asyncio.to_thread(ended.wait, 10)
