"""Webhooks lost, repeated, out of order, or ahead of the response: the same final states."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import campaign, numbers, open_stack, plan_stack
from tests.faults.invariants import Aftermath, assert_nothing_broken

pytestmark = pytest.mark.faults
log = logging.getLogger(__name__)

RECIPIENTS = 120
MAX_CONCURRENT = 25


async def _run(folder: Path, faults: dict[str, Any]) -> Aftermath:
    """The same people, seed and definition; only the network's manners differ."""
    async with open_stack(plan_stack(folder)) as stack:
        await stack.set_network(faults=faults)
        name = await stack.launch(
            campaign("webhooks", numbers(RECIPIENTS), max_concurrent=MAX_CONCURRENT)
        )
        await stack.until_over(name)
        found = await stack.aftermath(name)
    log.info("%s %s", found.summary(), found.stats["webhooks"])
    assert_nothing_broken(found, recipients=RECIPIENTS, max_concurrent=MAX_CONCURRENT)
    return found


async def test_bad_webhooks_change_no_final_state(tmp_path: Path) -> None:
    good = await _run(tmp_path / "good", {})
    bad = await _run(
        tmp_path / "bad",
        {"webhooks": {"lose": 0.2, "repeat": 0.2, "reorder": 0.2}},
    )
    told = bad.stats["webhooks"]
    assert min(told["lost"], told["repeated"], told["reordered"]) > 20
    early = await _run(
        tmp_path / "early",
        {
            "webhooks": {"lose": 0.2, "repeat": 0.2, "reorder": 0.2},
            # Longer than it takes to ring, and shorter than the adapter waits.
            "routes": {"create": {"delay": 0.5}},
            "delay_response_s": 1.2,
        },
    )
    assert early.stats["faults"]["delay"] > 40
    assert bad.finals() == good.finals()
    assert early.finals() == good.finals()
