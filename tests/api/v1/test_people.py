"""GET /v1/people/{phone}: everything about one number, within what a key may see."""

from __future__ import annotations

from datetime import timedelta

from tests.api.v1.conftest import Customer, bearer, new_key
from tests.api.v1.test_calls import create
from tests.services.world import NUMBERS, World
from tests.serving import client_at

PATH = f"/v1/people/{NUMBERS[0]}"


async def test_calls_and_what_comes_next(us: Customer, world: World) -> None:
    made = await world.place_call()
    await create(us, scheduled_at=(world.clock.now + timedelta(days=1)).isoformat())
    await us.http.post("/v1/contacts", json={"phone": NUMBERS[0], "first_name": "Ana"})
    answer = await us.http.get(PATH)
    assert answer.status_code == 200, answer.text
    person = answer.json()
    assert (person["phone"], person["contact"]["first_name"]) == (NUMBERS[0], "Ana")
    assert (person["suppressed"], person["suppression_history"]) == (None, [])
    (call,) = person["calls"]
    assert (call["id"], call["campaign"], call["events"]) == (made.call_id, made.campaign, [])
    assert call["receipt"]["decision"]["call_id"] == made.call_id
    requested, calling = person["campaigns"]
    assert (calling["campaign"], calling["answer"]) == (made.campaign, "calling")
    assert (requested["campaign"], requested["answer"], requested["code"]) == (
        "direct",
        "wait",
        "not_before",
    )
    assert requested["next_call_local"].endswith("-05:00")
    assert person["next_cursor"] is None


async def test_pages_are_of_calls(us: Customer, world: World) -> None:
    made = [(await world.place_call()).call_id]
    world.clock.now += timedelta(hours=1)
    shown, cursor = [], None
    for _ in range(2):
        params = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = (await us.http.get(PATH, params=params)).json()
        shown += [call["id"] for call in page["calls"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert shown == made


async def test_nobody_and_what_is_no_number(us: Customer, them: Customer, world: World) -> None:
    await world.place_call()
    assert (await them.http.get(PATH)).status_code == 404
    assert (await us.http.get("/v1/people/%2B12125559999")).status_code == 404
    assert (await us.http.get("/v1/people/12")).status_code == 422


async def test_a_key_sees_what_it_may(us: Customer, world: World) -> None:
    await world.place_call()
    suppressed = {"numbers": [NUMBERS[0]], "reason": "asked by letter"}
    await us.http.post("/v1/suppressions", json=suppressed)
    few = await new_key(world, scopes=("calls:read", "campaigns:read"))
    async with client_at(us.http.base_url, headers=bearer(few.text)) as http:
        person = (await http.get(PATH)).json()
    assert person["suppressed"] == "asked by letter"
    hidden = ("suppression_history", "appointments", "contact")
    assert [person[name] for name in hidden] == [None, None, None]
    assert person["calls"][0]["appointments"] is None
    none = await new_key(world, scopes=("calls:read",))
    async with client_at(us.http.base_url, headers=bearer(none.text)) as http:
        assert (await http.get(PATH)).status_code == 403
