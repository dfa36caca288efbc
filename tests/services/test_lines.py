"""What is announced of lines, and what is told of those that keep no longest duration."""

from __future__ import annotations

from dataclasses import replace

from outdial.domain.call.plan import CallPlan
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.line.breaker import BreakerPolicy
from outdial.providers.adapters.bland.client import BlandProvider
from outdial.providers.adapters.voxanne.client import VoxanneProvider
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.providers.port import LineConfig
from outdial.services.operations.lines import announce_lines, unbounded_lines
from outdial.store.db.database import Database
from outdial.store.lines.lines import line_status
from tests.services.world import build_world, no_temporal

CONFIG = LineConfig(name="x", credentials={"api_key": "k", "webhook_secret": "s"})
PLAN = CallPlan.of(
    CampaignDefinition.model_validate(
        {
            "name": "x",
            "purpose": "informational",
            "agent": "a",
            "line": ["bounded", "unbounded"],
            "recipients": (),
        }
    )
)


async def test_a_line_that_nobody_ends_is_told(database: Database) -> None:
    lines = Lines(
        [
            Line("bounded", BlandProvider(CONFIG), LinePolicy()),
            Line("unbounded", VoxanneProvider(CONFIG), LinePolicy()),
        ]
    )
    ctx = replace(build_world(database, await no_temporal()).ctx, lines=lines)
    assert list(unbounded_lines(ctx, PLAN)) == [
        "line unbounded: voxanne takes no longest duration and can't hang up, so max_duration 10m "
        "is not kept; give the agent there one that is not longer"
    ]
    await lines.aclose()


async def test_limits_and_breakers_reach_the_database(database: Database) -> None:
    breaker = BreakerPolicy(min_attempts=7)
    policy = LinePolicy(max_concurrent=3, per_second=0.11, breaker=breaker)
    lines = Lines([Line("slow", VoxanneProvider(CONFIG), policy)])
    ctx = replace(build_world(database, await no_temporal()).ctx, lines=lines)
    await announce_lines(ctx)
    status = database.read_sync(lambda s: line_status(s, ctx.tenant, "slow"))
    assert status is not None
    assert (status.provider, status.max_concurrent, status.per_second) == ("voxanne", 3, 0.1)
    await lines.aclose()
