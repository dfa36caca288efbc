"""One person is removed from a campaign, with its workflow and without."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from outdial.domain.operator import Action
from outdial.services.campaigns.launching import launch_campaign
from outdial.services.campaigns.removing import Removal, remove_recipient
from outdial.services.errors import ChangeRefused, NoSuchPerson
from outdial.services.operations import reading
from outdial.store.campaign import campaigns
from tests.services.logged import logged
from tests.services.test_control import not_yet
from tests.services.world import World, new_name
from tests.waiting import until


async def test_a_campaign_whose_last_people_are_removed_finishes_now(working: World) -> None:
    """It would have waited for them until next year."""
    ctx, name = working.ctx, new_name()
    await launch_campaign(ctx, not_yet(name))
    assert await remove_recipient(ctx, name, "+12025550123") == Removal(1, 0)
    assert await remove_recipient(ctx, name, "+12025550123") == Removal(0, 0)
    assert not (await reading.require_campaign(ctx, name)).state.over
    assert await remove_recipient(ctx, name, "+12025550124") == Removal(1, 0)

    async def over() -> bool:
        return (await reading.require_campaign(ctx, name)).state.over

    await until(over)
    assert (await reading.progress(ctx, name)).by_outcome == {"canceled": 2}
    entries = await logged(ctx, f"campaign/{name}")
    removals = [entry.details for entry in entries if entry.action is Action.REMOVE]
    assert removals == [{"recipients": 1}] * 2


async def test_who_is_not_there_is_not_removed(world: World) -> None:
    made = await world.place_call()
    with pytest.raises(NoSuchPerson):
        await remove_recipient(world.ctx, made.campaign, "+12125559999")
    assert not await _statements_that_write(world, made.campaign, "+12125559999")
    now = world.clock.now
    direct = await world.ctx.database.write(
        lambda s: campaigns.ensure_direct_campaign(s, "default", now=now)
    )
    with pytest.raises(ChangeRefused, match="one by one"):
        await remove_recipient(world.ctx, direct.name, "+12125559999")


async def _statements_that_write(world: World, name: str, number: str) -> list[str]:
    """What is executed where claims wait, while somebody who is not there is removed."""
    statements: list[str] = []

    def listen(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    engine = world.ctx.database._write_engine
    event.listen(engine, "before_cursor_execute", listen)
    try:
        with pytest.raises(NoSuchPerson):
            await remove_recipient(world.ctx, name, number)
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    return statements
