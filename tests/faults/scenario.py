"""The same people, seed and definition, run with and without a misbehaving network."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from tests.faults.harness import campaign, numbers, open_stack, plan_stack
from tests.faults.invariants import Aftermath, assert_nothing_broken

log = logging.getLogger(__name__)

RECIPIENTS = 80
MAX_CONCURRENT = 20


async def run(folder: Path, faults: dict[str, Any]) -> Aftermath:
    """A whole campaign on a stack of its own; only the network's manners differ."""
    async with open_stack(plan_stack(folder)) as stack:
        await stack.set_network(faults=faults)
        name = await stack.launch(
            campaign("scenario", numbers(RECIPIENTS), max_concurrent=MAX_CONCURRENT)
        )
        await stack.until_over(name, timeout=300)
        aftermath = await stack.aftermath(name)
    log.info(
        "%s %s %s", aftermath.summary(), aftermath.stats["webhooks"], aftermath.stats["faults"]
    )
    assert_nothing_broken(aftermath, recipients=RECIPIENTS, max_concurrent=MAX_CONCURRENT)
    return aftermath
