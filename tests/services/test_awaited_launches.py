"""A workflow run launches a campaign once, however often its activity is tried."""

from __future__ import annotations

from outdial.services.campaigns.awaiting import AwaitedLaunches
from outdial.services.operations.reading import require_campaign
from tests.services.test_launching import end_in_database
from tests.services.world import World, definition, new_name


async def test_another_try_gets_the_launch_that_it_made(world: World) -> None:
    launch, name = AwaitedLaunches(world.ctx), new_name()
    first = await launch(world.ctx.tenant, definition(name), True, "run/1")
    again = await launch(world.ctx.tenant, definition(name), True, "run/1")
    assert (first.launch, first.own, first.over) == (1, True, False)
    assert (again.launch, again.own, again.over) == (1, True, False)
    other = await launch(world.ctx.tenant, definition(name), True, "run/2")
    assert (other.launch, other.own) == (1, False)


async def test_another_try_calls_nobody_again_once_it_is_over(world: World) -> None:
    launch, name = AwaitedLaunches(world.ctx), new_name()
    first = await launch(world.ctx.tenant, definition(name), True, "run/1")
    await end_in_database(world, first.campaign_id)
    again = await launch(world.ctx.tenant, definition(name), True, "run/1")
    assert (again.launch, again.own, again.over) == (1, True, True)
    assert (await require_campaign(world.ctx, name)).launch == 1
    # The next day's run is another one; the first one's launch stays what it was.
    following = await launch(world.ctx.tenant, definition(name), True, "run/2")
    assert (following.launch, following.own, following.over) == (2, True, False)
    late = await launch(world.ctx.tenant, definition(name), True, "run/1")
    assert (late.launch, late.over) == (1, True)
