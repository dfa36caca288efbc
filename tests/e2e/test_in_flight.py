"""Slots: never more calls than allowed, and hardly ever fewer; and what that costs in events."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from outdial.contracts.names import campaign_workflow_id
from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import CallStatus
from outdial.domain.record import CallRecord
from outdial.services.campaigns.launching import launch_campaign
from tests.builders import phone
from tests.e2e.histories import chain, counted, histories
from tests.e2e.stacks import Stack, campaign, running

MANY = 500
AT_ONCE = 25
FULL_ENOUGH = 23.0
EVENTS_OF_A_CALL = 30
"""Of an answered one, its status kept up."""
EVENTS_IN_CAMPAIGN = 8
"""For each call, over all runs of the campaign's workflow."""
PEOPLE: dict[str, Any] = {
    "weights": {"answer": 1.0},
    "dial_seconds": [0.2, 0.4],
    "ring_seconds": [0.8, 1.2],
    "talk_seconds": [10.0, 12.0],
    "analysis_seconds": [0.5, 1.5],
    "time_scale": 1.0,
}
"""Seconds of the clock on the wall."""
LONGEST = 14.0
"""Seconds a call takes at most, as above, rounded up."""

log = logging.getLogger(__name__)
"""What was measured: `pytest -o log_cli=true --log-cli-level=INFO`."""


@pytest.mark.slow
async def test_slots_stay_full_and_histories_short(tmp_path: Path) -> None:
    """Five hundred people, twenty-five at once: minutes, so it runs with the long ones."""
    everybody = campaign(
        "many", [phone(n) for n in range(MANY)], pacing={"max_concurrent": AT_ONCE}
    )
    async with running(tmp_path, PEOPLE) as stack:
        await launch_campaign(stack.ctx, everybody)
        # At half the speed it should have, and some for a slow machine to start.
        over = await stack.until_over("many", timeout=2 * LONGEST * MANY / AT_ONCE + 60)
        assert over.state is CampaignState.FINISHED
        assert over.by_outcome == {"completed": MANY}
        calls = await stack.calls("many")
        await _slots_are_full(stack, calls)
        await _histories_are_short(stack, calls)


async def _slots_are_full(stack: Stack, calls: list[CallRecord]) -> None:
    changes = await stack.network.open_changes()
    assert max(number for _, number in changes) == AT_ONCE
    full_from = next(at for at, number in changes if number == AT_ONCE)
    dry_from = max(call.created_at for call in calls)
    mean = await stack.network.mean_open(full_from, dry_from)
    log.info("open calls, mean: %.2f", mean)
    idle = _idle(changes, full_from, dry_from, len(calls))
    log.info("idle before each call: %.3f s", idle)
    assert mean > FULL_ENOUGH


def _idle(changes: list[tuple[datetime, int]], start: datetime, end: datetime, calls: int) -> float:
    """Seconds that a slot stays empty for each call, on average."""
    empty, since, level = 0.0, start, AT_ONCE
    for at, number in changes:
        if start < at < end:
            empty += (AT_ONCE - level) * (at - since).total_seconds()
            since = at
        level = number
    return empty / (calls - AT_ONCE)


async def _histories_are_short(stack: Stack, calls: list[CallRecord]) -> None:
    answered = [call for call in calls if call.status is CallStatus.COMPLETED]
    assert len(answered) == len(calls)
    lengths = Counter(
        len(history.events)
        for history in (
            await histories(stack.client, (call.workflow_id for call in answered))
        ).values()
    )
    runs = await chain(stack.client, campaign_workflow_id("default", "many"))
    events = counted(runs)
    each = events.total() / len(calls)
    log.info("events of a call: %s", dict(sorted(lengths.items())))
    log.info("events in the campaign for each call: %.2f, of %s", each, events.most_common())
    assert max(lengths) <= EVENTS_OF_A_CALL
    assert each <= EVENTS_IN_CAMPAIGN
