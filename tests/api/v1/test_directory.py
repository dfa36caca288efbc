"""Contacts, agents, numbers, suppressions and lines over HTTP."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from outdial.services.accounts.once import TAKEN_OVER_AFTER, identify_request
from outdial.store.access import idempotency
from tests.api.v1.conftest import Customer
from tests.builders import phone
from tests.services.world import World

PHONE = "+12025550123"


async def test_a_contact_from_first_to_last(us: Customer) -> None:
    made = await us.http.post("/v1/contacts", json={"phone": "+1 202 555 0123", "tags": ["vip"]})
    assert made.status_code == 201
    contact = made.json()
    assert (contact["phone"], contact["version"]) == (PHONE, 1)
    path = f"/v1/contacts/{contact['id']}"
    got = await us.http.get(path)
    assert (got.headers["etag"], got.json()) == ('"1"', contact)
    changed = await us.http.patch(path, json={"company": "Acme"}, headers={"if-match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert (changed.json()["company"], changed.json()["tags"]) == ("Acme", ["vip"])
    late = await us.http.patch(path, json={"company": "Other"}, headers={"if-match": '"1"'})
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert (await us.http.delete(path, headers={"if-match": '"1"'})).status_code == 412
    assert (await us.http.delete(path)).status_code == 204
    assert (await us.http.get(path)).status_code == 404


async def test_endpoints_are_told_of_contacts(us: Customer) -> None:
    to = {"url": "https://shop.invalid/hooks", "events": ["contact.created", "contact.updated"]}
    endpoint = (await us.http.post("/v1/endpoints", json=to)).json()
    made = (await us.http.post("/v1/contacts", json={"phone": "+12025550188"})).json()
    path = f"/v1/contacts/{made['id']}"
    await us.http.patch(path, json={"company": "Acme"})
    await us.http.patch(path, json={"company": "Other"}, headers={"if-match": '"1"'})
    log = await us.http.get("/v1/deliveries", params={"endpoint": endpoint["id"]})
    assert [one["type"] for one in log.json()["items"]] == ["contact.updated", "contact.created"]


async def test_a_number_is_one_contact(us: Customer) -> None:
    await us.http.post("/v1/contacts", json={"phone": PHONE})
    second = await us.http.post("/v1/contacts", json={"phone": PHONE})
    assert (second.status_code, second.json()["code"]) == (409, "conflict")
    other = (await us.http.post("/v1/contacts", json={"phone": "+12025550124"})).json()
    taken = await us.http.patch(f"/v1/contacts/{other['id']}", json={"phone": PHONE})
    assert taken.status_code == 409


async def test_contacts_are_found_by_word_and_tag(us: Customer, world: World) -> None:
    for number, (name, tags) in enumerate(
        [("Ana", ["vip"]), ("Ben", ["vip", "new"]), ("Cleo 50%", ['new"s'])]
    ):
        world.clock.now += timedelta(seconds=1)
        body = {"phone": f"+1202555012{number}", "first_name": name, "tags": tags}
        assert (await us.http.post("/v1/contacts", json=body)).status_code == 201

    async def names(**query: str) -> list[str]:
        page = (await us.http.get("/v1/contacts", params=query)).json()
        return [one["first_name"] for one in page["items"]]

    assert await names(search="an") == ["Ana"]
    assert await names(search="0%") == ["Cleo 50%"]
    assert await names(search="5550121") == ["Ben"]
    assert await names(tag="vip") == ["Ana", "Ben"]
    assert await names(tag="new") == ["Ben"]
    assert await names(tag='new"s') == ["Cleo 50%"]
    first = (await us.http.get("/v1/contacts", params={"limit": 2})).json()
    rest = await us.http.get("/v1/contacts", params={"cursor": first["next_cursor"]})
    assert [one["first_name"] for one in rest.json()["items"]] == ["Cleo 50%"]


@pytest.mark.parametrize("body", [{"phone": "12"}, {"phone": PHONE, "time_zone": "Mars/X"}, {}])
async def test_a_wrong_contact_is_refused(us: Customer, body: dict[str, str]) -> None:
    answer = await us.http.post("/v1/contacts", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_phone_numbers(us: Customer) -> None:
    made = await us.http.post("/v1/phone-numbers", json={"phone": PHONE, "line": "simulated"})
    assert made.status_code == 201
    path = f"/v1/phone-numbers/{made.json()['id']}"
    changed = await us.http.patch(path, json={"label": "desk"})
    assert (changed.json()["label"], changed.json()["is_active"]) == ("desk", True)
    wrong = await us.http.post("/v1/phone-numbers", json={"phone": PHONE, "line": "others"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "unknown_line")
    assert [one["id"] for one in (await us.http.get("/v1/phone-numbers")).json()["items"]] == [
        made.json()["id"]
    ]
    assert (await us.http.delete(path)).status_code == 204


async def test_suppressions_and_their_history(us: Customer, them: Customer) -> None:
    body = {"numbers": [PHONE, "+1 202 555 0123"], "reason": "asked by letter"}
    listed = await us.http.post("/v1/suppressions", json=body)
    assert listed.json() == {"added": 1, "already_listed": 0, "hung_up": 0, "unread": []}
    (shown,) = (await us.http.get("/v1/suppressions")).json()["items"]
    assert (shown["phone"], shown["reason"]) == (PHONE, "asked by letter")
    assert (await them.http.get("/v1/suppressions")).json()["items"] == []
    path = f"/v1/suppressions/{PHONE}"
    assert (await us.http.delete(path, params={"reason": "a mistake"})).status_code == 204
    history = (await us.http.get(path)).json()["history"]
    assert [change["change"] for change in history] == ["listed", "lifted"]
    assert (await us.http.delete(path, params={"reason": "x"})).status_code == 404
    assert (await them.http.get(path)).status_code == 404


async def test_lines_are_each_tenants_own(us: Customer, them: Customer) -> None:
    (ours,) = (await us.http.get("/v1/lines")).json()["items"]
    assert (ours["name"], ours["in_flight"]) == ("simulated", 0)
    assert (await us.http.get("/v1/lines/simulated")).json() == ours
    (theirs,) = (await them.http.get("/v1/lines")).json()["items"]
    assert theirs["name"] == "others"
    assert (await us.http.get("/v1/lines/others")).status_code == 404


async def test_a_request_under_way_is_no_conflict(us: Customer, world: World) -> None:
    """A client waits for the answer; the code of a number that is taken would stop it."""
    body = json.dumps({"phone": phone(7)}).encode()
    begun = identify_request(world.ctx, "order-7", "POST /v1/contacts", body)
    now = world.clock.now
    await world.ctx.database.write(lambda s: idempotency.begin_request(s, begun, now=now))
    headers = {"idempotency-key": "order-7", "content-type": "application/json"}
    answer = await us.http.post("/v1/contacts", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "request_in_progress")
    assert int(answer.headers["retry-after"]) > 0
    world.clock.now += TAKEN_OVER_AFTER
    again = await us.http.post("/v1/contacts", content=body, headers=headers)
    assert again.status_code == 201
