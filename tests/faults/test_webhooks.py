"""Webhooks lost, repeated, out of order, or ahead of the response: the same final states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from outdial.domain.call.status import OPTED_OUT
from tests.faults.harness import campaign, numbers, open_stack, plan_stack
from tests.faults.invariants import Aftermath, assert_nothing_broken
from tests.faults.scenario import RECIPIENTS, run

BAD: dict[str, Any] = {"webhooks": {"lose": 0.2, "repeat": 0.2, "reorder": 0.2}}
# Longer than it takes to ring, and shorter than the adapter waits.
AHEAD: dict[str, Any] = {"routes": {"create": {"delay": 0.5}}, "delay_response_s": 1.2}


@pytest.mark.faults
@pytest.mark.parametrize("faults", [BAD, BAD | AHEAD], ids=["bad", "ahead-of-the-response"])
async def test_the_final_states_are_the_same(
    tmp_path: Path, undisturbed: Aftermath, faults: dict[str, Any]
) -> None:
    aftermath = await run(tmp_path, faults)
    webhooks = aftermath.stats["webhooks"]
    if "webhooks" in faults:
        assert min(webhooks["lost"], webhooks["repeated"], webhooks["reordered"]) > RECIPIENTS / 8
    if "routes" in faults:
        assert aftermath.stats["faults"]["delay"] > RECIPIENTS / 4
    assert aftermath.finals() == undisturbed.finals()


@pytest.mark.faults
async def test_a_network_that_sends_no_webhooks_at_all(
    tmp_path: Path, undisturbed: Aftermath
) -> None:
    aftermath = await run(tmp_path, {"silent": 1.0})
    assert aftermath.stats["webhooks"]["sent"] == 0
    assert aftermath.finals() == undisturbed.finals()


@pytest.mark.faults
async def test_an_opt_out_is_heard_though_its_webhook_is_lost(tmp_path: Path) -> None:
    """Only the analysis tells of it, and it comes after the call's workflow has closed."""
    [person] = numbers(1)
    plan = plan_stack(tmp_path, people={"overrides": {person: ["opt_out"]}, "time_scale": 40.0})
    async with open_stack(plan) as stack:
        await stack.set_network(
            faults={"next_webhooks": [{"fault": "lose", "event": "call.analyzed"}]}
        )
        name = await stack.launch(campaign("opt-out", [person], max_concurrent=1))
        await stack.until_over(name)
        aftermath = await stack.aftermath(name)
        assert aftermath.stats["webhooks"]["lost"] == 1
        assert aftermath.finals() == {person: (OPTED_OUT, 1)}
        assert_nothing_broken(aftermath, recipients=1, max_concurrent=1)
        again = await stack.launch(campaign("again", [person], max_concurrent=1))
        await stack.until_over(again)
        assert (await stack.aftermath(again)).calls == []
