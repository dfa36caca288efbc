"""`outdial watch`: the live picture, and what keys are."""

from __future__ import annotations

import asyncio
import io
from datetime import timedelta

import pytest
from rich.console import Console

from outdial.cli.campaigns.live_view import LivePicture
from outdial.cli.keyboard import split_keys
from outdial.domain.call.claim import CampaignState, ClaimedCall
from outdial.domain.call.status import CallStatus
from outdial.domain.record import CampaignRecord
from outdial.services.campaigns import control
from outdial.services.operations.watching import CampaignsView, changes_of_state, read_view
from outdial.store.call import settlement
from outdial.store.campaign import campaigns
from outdial.store.db.database import Database
from tests.builders import ended
from tests.cli.conftest import Outdial
from tests.services.world import World, build_world, definition, no_temporal


def text_of(picture: LivePicture) -> str:
    output = Console(file=io.StringIO(), width=120, record=True)
    output.print(picture.render())
    return output.export_text()


async def view(world: World, before: CampaignsView | None = None, **chosen: str) -> CampaignsView:
    return await read_view(world.ctx, before=before, **chosen)


def test_the_picture_shows_campaigns_calls_and_what_has_happened(
    database: Database, call: ClaimedCall
) -> None:
    async def watch() -> None:
        world = build_world(database, await no_temporal())
        [other] = await world.place_calls(2)  # the number of the first is called already
        picture = LivePicture()
        assert text_of(picture).startswith("No campaign has been launched yet.")
        picture.take(await view(world))
        first = text_of(picture)
        assert picture.selected is not None
        assert picture.selected.campaign == other.campaign
        assert f"›  {other.campaign}" in first
        assert "+1202•••0124" in first
        assert f"p pause {other.campaign}" in first
        picture.move(5)
        assert picture.selected.campaign == call.campaign
        await control.store_state(world.ctx, call.campaign, CampaignState.PAUSED, reason="lunch")
        picture.take(await view(world, picture.view, selected=call.campaign))
        paused = text_of(picture)
        assert f"›  {call.campaign}" in paused
        assert f"{call.campaign} is paused" in paused
        assert "paused (lunch)" in paused
        assert f"r resume {call.campaign}" in paused
        end = ended(CallStatus.COMPLETED, at=world.clock.now, duration_seconds=42)
        await world.ctx.database.write(
            lambda s: settlement.end_call(s, call.call_id, end, now=world.clock.now)
        )
        picture.take(await view(world, picture.view, selected=call.campaign))
        assert f"+1202•••0123 in {call.campaign}: completed, 42 s" in text_of(picture)

    asyncio.run(watch())


def test_one_campaign_is_watched_alone(database: Database, call: ClaimedCall) -> None:
    async def watch() -> None:
        world = build_world(database, await no_temporal())
        await world.place_calls(2)
        alone = await view(world, only=call.campaign)
        assert [each.campaign for each in alone.campaigns] == [call.campaign]

    asyncio.run(watch())


def test_what_becomes_of_campaigns_that_the_picture_has_no_room_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outdial.services.operations.watching.CAMPAIGNS", 2)

    async def watch() -> None:
        world = build_world(database, await no_temporal())

        async def launch(name: str) -> CampaignRecord:
            on_line = definition(name).definition.on_line("simulated")
            launched = await database.write(
                lambda s: campaigns.launch_campaign(
                    s, "default", on_line, "", now=world.clock.now, again=False
                )
            )
            return launched.record

        _, second, _ = [await launch(name) for name in ("first", "second", "third")]
        shown: list[CampaignsView] = []

        async def changes() -> list[str]:
            world.clock.now += timedelta(minutes=1)
            shown.append(await view(world, shown[-1] if shown else None))
            return list(changes_of_state(*shown[-2:])) if shown[1:] else []

        await changes()
        assert [each.campaign for each in shown[-1].campaigns] == ["third", "second"]
        end = {"state": CampaignState.FINISHED.value, "finished_at": world.clock.now}
        await database.write(lambda s: campaigns.change_campaign(s, second.id, end))
        assert await changes() == ["second is finished"]
        assert [each.campaign for each in shown[-1].campaigns] == ["third", "first"]
        world.clock.now += timedelta(seconds=1)
        await launch("fourth")
        assert await changes() == ["fourth was launched"]
        assert await changes() == []

    asyncio.run(watch())


@pytest.mark.parametrize(
    ("text", "keys"),
    [("q", ["q"]), ("\x1b[A\x1b[Bp", ["up", "down", "p"]), ("\x1bOAr", ["up", "r"]), ("\x1b", [])],
)
def test_keys(text: str, keys: list[str]) -> None:
    assert list(split_keys(text)) == keys


@pytest.mark.usefixtures("call")
def test_without_a_terminal_it_needs_a_name(outdial: Outdial) -> None:
    result = outdial("watch")
    assert result.exit_code == 1
    assert result.stderr.startswith("write the name of a campaign")
