"""What a live page costs the API process while many calls are in flight."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from outdial.providers.adapters.simulated.client import SimulatedProvider
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.providers.port import LineConfig
from outdial.services.operations.lines import announce_lines
from outdial.services.operations.reading import progress
from outdial.store.campaign import campaigns
from outdial.store.claims.reservation import claim_calls
from tests.builders import phone
from tests.console.conftest import serving_console, signed_in
from tests.drafts import read_roster
from tests.services.world import SECRET, World, definition, enroll_staged
from tests.staged import stage_drafts

CALLS = 1000
REFRESHES = 50
MOST = 0.05
"""Seconds of a core for a refresh; there is one a second."""


async def _claim(world: World) -> str:
    """A campaign with so many calls in flight."""
    numbers = tuple(phone(n) for n in range(CALLS))
    loaded = definition("busy", numbers=numbers, more=f"pacing: {{max_concurrent: {CALLS}}}\n")
    on_line = loaded.definition.on_line("simulated")
    await announce_lines(world.ctx)
    database, now = world.ctx.database, world.clock.now
    launched = await database.write(
        lambda s: campaigns.launch_campaign(
            s, "default", on_line, loaded.source_text, now=now, again=False
        )
    )
    campaign = launched.record.id
    await database.write(lambda s: stage_drafts(s, campaign, 1, read_roster(loaded), CALLS))
    await database.write(lambda s: enroll_staged(s, campaign))
    while await database.write(
        lambda s: claim_calls(s, campaign, f"run/{time.monotonic_ns()}", now=now).claim.calls
    ):
        pass
    return loaded.definition.name


@pytest.mark.faults
@pytest.mark.slow
async def test_a_viewer_of_a_thousand_calls_costs_less_than_a_twentieth_of_a_core(
    world: World,
) -> None:
    config = LineConfig(name="simulated", credentials={"webhook_secret": SECRET})
    line = Line(
        "simulated",
        SimulatedProvider(config),
        LinePolicy(max_concurrent=CALLS, per_second=10 * CALLS),
    )
    busy = World(replace(world.ctx, lines=Lines([line])), world.clock)
    name = await _claim(busy)
    assert (await progress(busy.ctx, name)).in_flight == CALLS
    async with serving_console(busy) as base, signed_in(base, busy) as console:
        for path in (f"/campaigns/{name}/live", "/live"):
            assert f"{CALLS:,}" in await console.page(path)
            begun = time.process_time()
            for _ in range(REFRESHES):
                await console.page(path)
            # The browser's part, which is in this process too, is counted in.
            cost = (time.process_time() - begun) / REFRESHES
            assert cost < MOST, path
