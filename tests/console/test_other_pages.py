"""Calls, lines, suppressions and keys."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest

from outdial.console.app import PATH
from outdial.console.forms import TOKEN_FIELD, form_token
from outdial.services.accounts import keys
from outdial.services.compliance import suppressing
from tests.api.v1.conftest import bearer
from tests.console.conftest import Console, sign_in, signed_in
from tests.services.world import NUMBERS, World, webhook
from tests.serving import client_at

SAID = "Person: <img src=x onerror=alert(1)>"


async def test_a_call_shows_what_was_reported_and_said(us: Console, world: World) -> None:
    [call] = await world.place_calls(1)
    for kind in ("ringing", "in_progress", "completed", "analyzed"):
        headers, body = webhook(call.call_id, kind, transcript=SAID)
        await world.receive_webhook("simulated", headers, body, "")
    page = await us.page(f"/calls/{call.call_id}")
    assert NUMBERS[0] in page
    assert "&lt;img src=x" in page
    assert SAID not in page
    assert page.count('data-label="Event"') == 4
    listed = await us.page(f"/calls?status=in_progress&campaign={call.campaign}")
    assert f"{PATH}/calls/{call.call_id}" in listed
    assert NUMBERS[0] not in listed
    assert call.masked in listed
    assert call.call_id not in await us.page("/calls?status=busy")
    assert call.call_id in await us.page("/calls?to=%2B1+202+555+0123")
    assert call.call_id not in await us.page("/calls/live?to=%2B12025550124")


async def test_a_person_shows_what_happened_and_what_comes_next(
    us: Console, them: Console, world: World
) -> None:
    [call] = await world.place_calls(1)
    headers, body = webhook(call.call_id, "ringing")
    await world.receive_webhook("simulated", headers, body, "")
    number = NUMBERS[0].replace("+", "%2B")
    page = await us.page(f"/people?number={number}")
    assert f"{PATH}/campaigns/{call.campaign}" in page
    assert "a call to them is in flight" in page
    assert "in America/New_York (15:00 UTC)" in page
    assert ": ringing" in page
    assert "receipt 1" in page
    await us.page(f"/people?number={NUMBERS[1].replace('+', '%2B')}", 404)
    await us.page("/people?number=x", 422)
    assert "What happened" not in await us.page("/people")
    await them.page(f"/people?number={number}", 404)


async def test_a_key_sees_of_a_page_what_it_may(us: Console, base: str, world: World) -> None:
    """What other scopes show: a word of the page by each."""
    [call] = await world.place_calls(1)
    async with client_at(base, headers=bearer(us.key.text)) as http:
        for path, body in (
            ("contacts", {"phone": NUMBERS[0], "last_name": "Zobel", "company": "Zinc Works"}),
            ("suppressions", {"numbers": [NUMBERS[0]], "reason": "by letter"}),
            (
                "appointments",
                {
                    "calendar": "clinic",
                    "title": "Teeth",
                    "starts_at": (world.clock.now + timedelta(days=1)).isoformat(),
                    "phone": NUMBERS[0],
                },
            ),
        ):
            answer = await http.post(f"/v1/{path}", json=body)
            assert answer.is_success, answer.text
    campaign, person = f"/campaigns/{call.campaign}", f"/people?number=%2B{NUMBERS[0][1:]}"
    shown = {
        campaign: {"lines:read": ["Slots in use"], "calls:read": [call.masked]},
        f"{campaign}/live": {"lines:read": ["Slots in use"], "calls:read": [call.masked]},
        person: {
            "contacts:read": ["Zobel", "Zinc Works"],
            "suppressions:read": ["<h2>Suppression</h2>"],
            "appointments:read": ["Teeth"],
        },
    }
    needed = {campaign: ("campaigns:read",), f"{campaign}/live": ("campaigns:read",)}
    for path, by_scope in shown.items():
        least = needed.get(path, ("calls:read", "campaigns:read"))
        for given in (*by_scope, None):
            scopes = least if given is None else (*least, given)
            async with signed_in(base, world, scopes=scopes) as reader:
                page = await reader.page(path)
            for scope, words in by_scope.items():
                for word in words:
                    assert (word in page) == (scope == given), (path, given, word)


@pytest.mark.parametrize("query", ["status=none", "to=x", "after=x", "after=2026-01-01/x"])
async def test_filters_that_are_wrong_are_refused(us: Console, query: str) -> None:
    await us.page(f"/calls?{query}", 422)


async def test_a_call_is_ended(us: Console, world: World) -> None:
    [call] = await world.claim_calls(1)
    answer = await us.send(f"/calls/{call.call_id}/end")
    assert answer.status_code == 303
    assert (await us.send(f"/calls/{call.call_id}/retry")).status_code == 409


async def test_lines_show_their_state(us: Console, world: World) -> None:
    await world.place_calls(2)
    page = await us.page("/lines")
    assert "in service" in page
    assert "2 of 25" in page
    assert "others" not in page


async def test_lines_that_are_no_numbers_are_found_where_they_are(us: Console) -> None:
    answer = await us.http.post(
        f"{PATH}/suppressions",
        data={TOKEN_FIELD: form_token(us.session), "numbers": "\n\nnobody\n", "reason": "asked"},
        files={"file": ("list.csv", f"{NUMBERS[0]}\n\nphone\n".encode())},
    )
    page = (await us.http.get(answer.headers["location"])).text
    assert "2 lines could not be read and was left out: 3, 3 of the file." in page


@pytest.mark.parametrize("days", ["0", "3651", "x", "1" * 5000])
async def test_days_of_a_key_that_are_wrong_are_refused(us: Console, days: str) -> None:
    answer = await us.send("/keys", name="k", days=days, scope="calls:read")
    assert answer.status_code == 422
    assert "write 1 to 3650" in answer.text


async def test_numbers_are_suppressed_and_lifted(us: Console, world: World) -> None:
    text = f"{NUMBERS[0]}\nno number\n+1 202 555 0124, Ada\n"
    answer = await us.send("/suppressions", numbers=text, reason="asked <us>")
    page = (await us.http.get(answer.headers["location"])).text
    assert "2 numbers added" in page
    assert "1 line could not be read and was left out: 2." in page
    assert "asked &lt;us&gt;" in page
    listed = await suppressing.list_suppressed(world.ctx, limit=9)
    assert [each.phone for each in listed] == list(NUMBERS[:2])
    assert (await us.send("/suppressions/lift", number=NUMBERS[0])).status_code == 422
    await us.send("/suppressions/lift", number=NUMBERS[0], reason="by letter")
    assert len(await suppressing.list_suppressed(world.ctx, limit=9)) == 1
    again = await us.send("/suppressions/lift", number=NUMBERS[0], reason="x")
    assert again.status_code == 404


async def test_the_log_says_who_did_what_here(us: Console, world: World) -> None:
    await us.send("/suppressions", numbers=NUMBERS[0], reason="asked <us>")
    page = await us.page("/log")
    assert "asked &lt;us&gt;" in page
    assert "suppressions" in page
    assert ">console<" in page
    assert NUMBERS[0] not in page
    assert "asked" not in await us.page("/log?subject=rules")


async def test_a_key_is_made_shown_once_and_revoked(
    us: Console, stranger: httpx.AsyncClient
) -> None:
    page = (await us.send("/keys", name="ana", scope="campaigns:read", days="7")).text
    text = re.search(r"<code>(od_[^<]+)</code>", page)
    assert text
    assert text[1] not in await us.page("/keys")
    assert (await sign_in(stranger, text[1])).status_code == 303
    key_id = text[1].split("_")[1]
    await us.send(f"/keys/{key_id}/switch")
    assert (await stranger.get(f"{PATH}/")).status_code == 303
    await us.send(f"/keys/{key_id}/switch", enabled="on")
    assert (await stranger.get(f"{PATH}/")).status_code == 200
    await us.send(f"/keys/{key_id}/revoke")
    assert (await stranger.get(f"{PATH}/")).status_code == 303


async def test_a_key_makes_none_that_may_do_more(base: str, us: Console, world: World) -> None:
    async with signed_in(base, world, scopes=("keys:write", "calls:read")) as maker:
        assert (await maker.send("/keys", name="x", scope="campaigns:write")).status_code == 403
        assert (await maker.send("/keys", name="x", scope="calls:read")).status_code == 201
        assert (await maker.send(f"/keys/{us.key.key.id}/revoke")).status_code == 403
        page = await maker.page("/keys")
        assert f'href="{PATH}/calls"' in page
        assert f'href="{PATH}/lines"' not in page
    for wrong in ({}, {"name": "x"}, {"name": "x", "scope": "all"}, {"name": "x", "days": "0"}):
        assert (await us.send("/keys", **wrong)).status_code == 422, wrong
    assert len(await keys.list_all_keys(world.ctx)) == 3
