"""The pages of campaigns, and their buttons."""

from __future__ import annotations

import re
from datetime import timedelta

from itsdangerous import Signer
from sqlmodel import Session

from outdial.console.app import PATH
from outdial.console.routes.campaigns import PAGE
from outdial.domain.call.claim import CampaignState
from outdial.services.operations.reading import require_campaign
from outdial.store.campaign import campaigns
from tests.console.conftest import Console, signed_in
from tests.services.world import World, definition, new_name

HOSTILE = '<script>alert(1)</script> & "quotes"'


async def _launched(world: World) -> str:
    """A campaign whose workflow has not started: what is changed is only stored."""
    [name] = await _stored(world, 1)
    return name


async def _stored(world: World, count: int) -> list[str]:
    """Campaigns that are stored as launched, in this order."""
    loaded = [definition(new_name()) for _ in range(count)]
    now = world.clock.now

    def launch(s: Session) -> None:
        for each in loaded:
            on_line = each.definition.on_line("simulated")
            campaigns.launch_campaign(s, "default", on_line, each.source_text, now=now, again=False)

    await world.ctx.database.write(launch)
    return [each.definition.name for each in loaded]


async def _state(world: World, name: str) -> CampaignState:
    return (await require_campaign(world.ctx, name)).state


async def test_buttons_do_what_their_command_lines_do(us: Console, world: World) -> None:
    name = await _launched(world)
    page = await us.page(f"/campaigns/{name}")
    assert f"<code>outdial pause {name}</code>" in page
    answer = await us.send(f"/campaigns/{name}/pause", reason=HOSTILE)
    assert answer.status_code == 303
    assert await _state(world, name) is CampaignState.PAUSED
    page = (await us.http.get(answer.headers["location"])).text
    assert f"{name} is paused." in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert f"<code>outdial resume {name}</code>" in page
    await us.send(f"/campaigns/{name}/resume")
    assert await _state(world, name) is CampaignState.RUNNING
    await us.send(f"/campaigns/{name}/stop", reason="over", hang_up="on")
    record = await require_campaign(world.ctx, name)
    assert record.state in (CampaignState.STOPPING, CampaignState.STOPPED)
    assert record.hang_up
    assert f"{PATH}/campaigns/{name}/pause" not in await us.page(f"/campaigns/{name}")


async def test_a_notice_from_elsewhere_is_not_shown(
    us: Console, them: Console, world: World
) -> None:
    name = await _launched(world)
    answer = await us.send(f"/campaigns/{name}/pause")
    path = answer.headers["location"].removeprefix(PATH)
    assert "is paused." in await us.page(path)
    notice = path.partition("?")[2]
    assert "is paused." not in await them.page(f"/?{notice}")
    assert "Ring this number" not in await us.page("/?notice=Ring+this+number")
    unreadable = Signer(us.session, salt="console notice").sign(".eJw").decode()
    assert ".eJw" in await us.page(f"/?notice={unreadable}"), "nothing is unpacked"


async def test_scopes_decide_what_is_shown_and_done(base: str, world: World) -> None:
    name = await _launched(world)
    async with signed_in(base, world, scopes=("campaigns:read",)) as reader:
        page = await reader.page(f"/campaigns/{name}")
        assert f"/{name}/pause" not in page
        for button in ("pause", "resume", "stop"):
            answer = await reader.send(f"/campaigns/{name}/{button}")
            assert answer.status_code == 403
            assert "campaigns:write" in answer.text
    assert await _state(world, name) is CampaignState.RUNNING
    async with signed_in(base, world, scopes=("contacts:read",)) as nobody:
        assert "campaigns:read" in await nobody.page("/", 403)


async def test_a_reason_that_is_too_long_is_refused(us: Console, world: World) -> None:
    name = await _launched(world)
    answer = await us.send(f"/campaigns/{name}/pause", reason="x" * 501)
    assert answer.status_code == 422
    assert "501 characters" in answer.text


async def test_a_campaign_shows_its_calls_in_flight(us: Console, world: World) -> None:
    calls = await world.place_calls(3)
    page = await us.page(f"/campaigns/{calls[0].campaign}")
    assert page.count('data-label="Number">') == 3
    assert calls[0].masked in page
    assert "12025550123" not in page
    world.clock.now += timedelta(seconds=5)
    assert calls[0].masked in await us.page(f"/campaigns/{calls[0].campaign}/live")


async def test_revisions_and_their_differences(us: Console, world: World) -> None:
    name = await _launched(world)
    page = await us.page(f"/campaigns/{name}/revisions")
    assert "outdial history" in page
    assert "They do not differ" in await us.page(f"/campaigns/{name}/diff?before=1&after=1")
    await us.page(f"/campaigns/{name}/diff?before=1&after=9", 404)
    await us.page(f"/campaigns/{name}/diff?before=0&after=1", 422)


async def test_campaigns_are_listed_page_by_page(us: Console, world: World) -> None:
    names = await _stored(world, 2 * PAGE + 1)
    listed: list[str] = []
    path: str | None = "/"
    while path:
        page = await us.page(path)
        listed += re.findall(r'id="campaign-([^"]+)"', page)
        older = re.search(rf'href="{PATH}(/\?after=[^"]+)" rel="next"', page)
        path = older[1] if older else None
    assert [name for name in listed if name in names] == names[::-1]
