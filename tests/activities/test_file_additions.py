"""An update that names a contact file: its people are added once, whatever becomes of a try."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.campaigns import ADDITIONS, Campaigns
from outdial.contracts.signatures.campaign import AddInput
from outdial.domain.record import CampaignRecord, StagingRecord
from outdial.services.campaigns import file_additions
from outdial.services.campaigns.file_additions import FileAdditions
from outdial.services.campaigns.launching import store_launch
from outdial.store.db.errors import DatabaseUnavailable, StagingEnded
from outdial.store.roster.roster import list_recipients
from outdial.store.roster.staging import ABANDONED_AFTER, abandoned, begin_addition
from tests.history.test_repeated import counting
from tests.services.servers import database, world
from tests.services.world import World, definition, new_name

__all__ = ["database", "world"]


@pytest.fixture
def campaigns(world: World, tmp_path: Path) -> Campaigns:
    (tmp_path / "more.csv").write_text("phone\n+12025550177\n+12025550178\n", encoding="utf-8")
    (tmp_path / "wrong.csv").write_text("phone\n12\n", encoding="utf-8")
    resources = replace(world.ctx, campaigns_dir=tmp_path)
    return Campaigns(resources, FileAdditions(resources))


async def launched(world: World) -> CampaignRecord:
    return (await store_launch(world.ctx, definition(new_name()), again=False)).record


async def add(campaigns: Campaigns, record: CampaignRecord, file: str, attempt: int = 1) -> None:
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=attempt, workflow_run_id="run")
    wanted = AddInput(campaign_id=record.id, launch=record.launch, file=file)
    await environment.run(campaigns.add_recipients, wanted)


async def left_over(world: World) -> list[StagingRecord]:
    """Additions that have not ended."""
    later = world.clock.now + ABANDONED_AFTER
    return await world.ctx.database.read(lambda s: abandoned(s, later))


async def count(world: World, record: CampaignRecord) -> int:
    return len(await world.ctx.database.read(lambda s: list_recipients(s, record.id, launch=1)))


async def test_a_file_is_added_once(world: World, campaigns: Campaigns) -> None:
    record = await launched(world)
    await add(campaigns, record, "more.csv")
    await add(campaigns, record, "more.csv", attempt=2)  # the first answer was lost
    assert await count(world, record) == 5
    assert await left_over(world) == []


async def test_a_try_that_died_half_way_is_removed(world: World, campaigns: Campaigns) -> None:
    record, now = await launched(world), world.clock.now
    environment = ActivityEnvironment()
    first = uuid.uuid5(ADDITIONS, f"run/{environment.info.activity_id}/1").hex
    await world.ctx.database.write(lambda s: begin_addition(s, record.id, first, now=now))
    await add(campaigns, record, "more.csv", attempt=2)
    assert await count(world, record) == 5
    assert await left_over(world) == []


async def test_a_try_that_stalled_does_not_begin_after_a_later_one(
    world: World, campaigns: Campaigns
) -> None:
    record = await launched(world)
    await add(campaigns, record, "more.csv", attempt=2)
    with pytest.raises(StagingEnded):
        await add(campaigns, record, "more.csv", attempt=1)
    assert await count(world, record) == 5
    assert await left_over(world) == []


async def test_a_try_costs_no_more_than_the_one_before(
    world: World, campaigns: Campaigns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are repeated without end; still none of them begins after a later one."""
    record, costs = await launched(world), list[int]()

    async def fails(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("it is away")

    with monkeypatch.context() as patched:
        patched.setattr(file_additions, "store_file", fails)
        for attempt in range(1, 31):
            with counting(world.ctx.database) as statements, pytest.raises(DatabaseUnavailable):
                await add(campaigns, record, "more.csv", attempt)
            costs.append(len(statements))
    assert max(costs) == costs[2]
    await add(campaigns, record, "more.csv", 31)
    for attempt in range(1, 31):
        with pytest.raises(StagingEnded):
            await add(campaigns, record, "more.csv", attempt)
    assert await count(world, record) == 5


@pytest.mark.parametrize("failed_at", [1, 2, 3])
async def test_a_try_decides_about_those_that_one_before_it_did_not(
    world: World, campaigns: Campaigns, monkeypatch: pytest.MonkeyPatch, failed_at: int
) -> None:
    """The first was accepted and its answer lost; the database was away for the next ones."""
    record = await launched(world)
    await add(campaigns, record, "more.csv")
    accepted, left = file_additions._accepted, iter(range(failed_at))

    async def fails(*values: Any) -> bool:
        if next(left, None) is None:
            return await accepted(*values)
        raise DatabaseUnavailable("it is away")

    monkeypatch.setattr(file_additions, "_accepted", fails)
    for attempt in range(2, 2 + failed_at):
        with pytest.raises(DatabaseUnavailable):
            await add(campaigns, record, "more.csv", attempt)
    await add(campaigns, record, "more.csv", 150)
    assert await count(world, record) == 5
    assert await left_over(world) == []


@pytest.mark.parametrize(
    ("file", "says"),
    [("wrong.csv", "wrong.csv:2:1: phone: found '12'"), ("../more.csv", "not within"),
     ("none.csv", "found no file"), ("a\0.csv", "can be no file"), ("\ud800.csv", "can be no file"),
     ("b\udc80.csv", "can be no file"), ("a" * 300, "File name too long")],
)  # fmt: skip
async def test_a_file_that_cannot_be_added_is_not_tried_again(
    world: World, campaigns: Campaigns, file: str, says: str
) -> None:
    record = await launched(world)
    with pytest.raises(ApplicationError, match=says) as refused:
        await add(campaigns, record, file)
    assert refused.value.non_retryable
    assert await count(world, record) == 3
