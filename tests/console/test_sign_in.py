"""Signing in to the console, by a key and by a link, and what ends a session."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from outdial.console.app import PATH
from outdial.console.viewer import COOKIE
from outdial.services.accounts import keys
from outdial.services.accounts.sign_in import LINK_KEY, LINK_LASTS, SESSION_LASTS, make_link_token
from tests.api.v1.conftest import new_key
from tests.console.conftest import Console, sign_in
from tests.services.world import World

SIGN_IN = f"{PATH}/sign-in"


async def test_a_cookie_is_out_of_reach_of_scripts_and_other_sites(
    stranger: httpx.AsyncClient, world: World
) -> None:
    key = await new_key(world)
    answer = await sign_in(stranger, key.text)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}/")
    cookies = [each for each in answer.headers.get_list("set-cookie") if each.startswith(COOKIE)]
    cookie = next(each for each in cookies if each.startswith(f"{COOKIE}="))
    flags = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=strict", f"path={PATH}"} <= flags
    assert key.text not in cookie
    assert (await stranger.get(f"{PATH}/")).status_code == 200


async def test_a_key_that_is_none_is_refused(stranger: httpx.AsyncClient, us: Console) -> None:
    for text in ("", "od_no_such", "x" * 300, us.key.text + "x", "ключ", us.session):
        answer = await sign_in(stranger, text)
        assert answer.status_code == 401, text
        assert COOKIE not in stranger.cookies


async def test_signing_out_ends_the_session_itself(us: Console) -> None:
    token = us.session
    answer = await us.send("/sign-out")
    assert answer.headers["location"] == SIGN_IN
    us.http.cookies.set(COOKIE, token)
    assert (await us.http.get(f"{PATH}/")).status_code == 303


@pytest.mark.parametrize("end", ["revoked", "disabled", "rotated", "expired"])
async def test_a_session_ends_with_its_key(us: Console, world: World, end: str) -> None:
    await us.page("/")
    match end:
        case "revoked":
            await keys.revoke_key(world.ctx, us.key.key.id)
        case "disabled":
            await keys.switch_key(world.ctx, us.key.key.id, enabled=False)
        case "rotated":
            await keys.rotate_key(world.ctx, us.key.key.id)
        case _:
            world.clock.now += SESSION_LASTS
    answer = await us.http.get(f"{PATH}/")
    assert (answer.status_code, answer.headers["location"]) == (303, SIGN_IN)
    live = await us.http.get(f"{PATH}/live", headers={"hx-request": "true"})
    assert (live.status_code, live.headers["hx-redirect"]) == (401, SIGN_IN)


async def test_a_rotated_key_may_go_on_for_as_long_as_its_secret(us: Console, world: World) -> None:
    await keys.rotate_key(world.ctx, us.key.key.id, grace=timedelta(hours=1))
    await us.page("/")
    world.clock.now += timedelta(hours=1)
    assert (await us.http.get(f"{PATH}/")).status_code == 303


async def _link(world: World) -> dict[str, str]:
    ctx = world.ctx
    return {"token": await make_link_token(ctx.database, ctx.tenant, ctx.clock())}


async def test_a_link_signs_in_once(stranger: httpx.AsyncClient, world: World) -> None:
    link = await _link(world)
    answer = await stranger.get(SIGN_IN, params=link)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}/")
    page = await stranger.get(f"{PATH}/")
    assert LINK_KEY in page.text
    again = await stranger.get(SIGN_IN, params=link)
    assert again.status_code == 403
    (key,) = await keys.list_all_keys(world.ctx)
    assert (key.name, key.expires_at) == (LINK_KEY, world.clock.now + SESSION_LASTS)


async def test_a_link_expires(stranger: httpx.AsyncClient, world: World) -> None:
    link = await _link(world)
    world.clock.now += LINK_LASTS
    assert (await stranger.get(SIGN_IN, params=link)).status_code == 403
    assert await keys.list_all_keys(world.ctx) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "outdial.example.com"},
        {"host": "10.0.0.1:8000"},
        {"x-forwarded-for": "127.0.0.1"},
        {"forwarded": "for=192.0.2.1"},
        {"via": "1.1 proxy"},
    ],
    ids=str,
)
async def test_a_link_is_good_on_its_machine_alone(
    stranger: httpx.AsyncClient, world: World, headers: dict[str, str]
) -> None:
    link = await _link(world)
    assert (await stranger.get(SIGN_IN, params=link, headers=headers)).status_code == 403
    assert (await stranger.get(SIGN_IN, params=link)).status_code == 303, "it was not used up"
