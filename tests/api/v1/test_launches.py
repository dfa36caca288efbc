"""Large launches and additions: uploaded as they arrive, followed by their own resource."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from outdial.api.state import ApiPolicy
from outdial.domain.record import StagingRecord
from outdial.intake.definition import read_definition_text
from outdial.store.db.errors import StagingEnded
from outdial.store.roster.rows import ReadSoFar, note_progress
from outdial.store.roster.staging import ABANDONED_AFTER, begin_launch
from tests.api.conftest import serving_world
from tests.api.v1.conftest import Customer, bearer, new_customer, new_key
from tests.api.v1.launches import ROWS, contacts, definition, followed, form, holds, is_empty
from tests.services.world import World, new_name
from tests.waiting import until


async def test_a_file_is_launched_in_the_background(us: Customer, upload_dir: Path) -> None:
    name = new_name()
    answer = await us.http.post("/v1/campaigns", files=form(name, contacts()))
    assert answer.json()["state"] == "staging"
    launch = await followed(us, answer)
    assert (launch["state"], launch["rows"], launch["recipients"]) == ("done", ROWS, ROWS)
    assert (launch["kind"], launch["campaign"], launch["launch"]) == ("launch", name, 1)
    campaign = (await us.http.get(f"/v1/campaigns/{name}")).json()
    assert (campaign["state"], campaign["progress"]["recipients"]) == ("running", ROWS)
    await until(lambda: is_empty(upload_dir))


async def test_problems_of_rows_are_told_with_their_places(us: Customer, upload_dir: Path) -> None:
    name = new_name()
    csv = contacts(10) + b"12,Bob\n+12025550000,Twice\n"
    launch = await followed(us, await us.http.post("/v1/campaigns", files=form(name, csv)))
    assert (launch["state"], launch["problem_count"]) == ("refused", 2)
    places = [(one["file"], one["line"], one["field"]) for one in launch["problems"]]
    assert places == [("contacts.csv", 12, "phone"), ("contacts.csv", 13, "phone")]
    assert (await us.http.get(f"/v1/campaigns/{name}")).status_code == 404
    await until(lambda: is_empty(upload_dir))


async def test_a_mistake_in_the_definition_is_answered_at_once(
    us: Customer, upload_dir: Path
) -> None:
    parts = form("Bad Name", contacts(1))
    answer = await us.http.post("/v1/campaigns", files=parts)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_definition")
    text = definition(new_name()).replace("{csv: contacts}", '[{phone: "+12025550123"}]')
    answer = await us.http.post("/v1/campaigns", files=parts | {"definition": (None, text)})
    assert "found a list" in answer.json()["detail"]
    await until(lambda: is_empty(upload_dir))


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"definition": (None, "name: x")}, "contacts"),
        ({"contacts": ("a.csv", b"phone\n")}, "definition"),
        ({"definition": (None, "x" * 1_000_001), "contacts": ("a.csv", b"")}, "definition"),
        ({"definition": (None, b"\xff"), "contacts": ("a.csv", b"")}, "definition"),
        ({"other": (None, "x")}, "other"),
    ],
)
async def test_a_form_has_two_parts(
    us: Customer, upload_dir: Path, parts: dict[str, Any], field: str
) -> None:
    answer = await us.http.post("/v1/campaigns", files=parts)
    assert answer.status_code == 422, answer.text
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    await until(lambda: is_empty(upload_dir))


async def test_a_launch_is_its_tenants_own(us: Customer, them: Customer, world: World) -> None:
    answer = await us.http.post("/v1/campaigns", files=form(new_name(), contacts(5)))
    place = answer.headers["location"]
    assert (await them.http.get(place)).status_code == 404
    assert (await them.http.delete(place)).status_code == 404
    await followed(us, answer)
    key = await new_key(world, scopes=("calls:read",))
    assert (await us.http.get(place, headers=bearer(key.text))).status_code == 403


@pytest.mark.parametrize("note", ["x" * 400, "é" * 200])
async def test_a_large_json_body_is_launched_in_the_background(us: Customer, note: str) -> None:
    name = new_name()
    people = [{"phone": f"+1202{5550000 + at}", "note": note} for at in range(2600)]
    document = {
        "name": name,
        "purpose": "informational",
        "agent": "a",
        "schedule": {"hours": "00:00-24:00"},
        "recipients": people,
    }
    body = json.dumps(document, ensure_ascii=False).encode()
    headers = {"content-type": "application/json"}
    # Under load, the first body starts a process that parses it.
    answer = await us.http.post("/v1/campaigns", content=body, headers=headers, timeout=60)
    launch = await followed(us, answer)
    assert (launch["state"], launch["recipients"]) == ("done", 2600)


async def test_a_campaign_that_runs_is_left_as_it_is(us: Customer, upload_dir: Path) -> None:
    name = new_name()
    await followed(us, await us.http.post("/v1/campaigns", files=form(name, contacts(5))))
    again = await us.http.post("/v1/campaigns", files=form(name, contacts(6)))
    assert (again.status_code, again.json()["created"]) == (201, False)
    await until(lambda: is_empty(upload_dir))


async def test_a_file_that_is_too_large_is_refused(world: World, upload_dir: Path) -> None:
    async with serving_world(world, ApiPolicy(upload_bytes=1000)) as http:
        customer = await new_customer(http, world, "default")
        async with customer.http:
            sent = customer.http.post("/v1/campaigns", files=form(new_name(), contacts()))
            assert (await sent).status_code == 413
            added = customer.http.post(
                "/v1/campaigns/x/recipients",
                content=contacts(),
                headers={"content-type": "text/csv"},
            )
            assert (await added).status_code == 413
            await until(lambda: is_empty(upload_dir))


async def test_a_tenant_uploads_a_few_files_at_once(us: Customer, upload_dir: Path) -> None:
    """Those that are still arriving count; the next one may come once they have ended."""
    stalled, going_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield contacts(1)
        stalled.set()
        await going_on.wait()

    headers = {"content-type": "text/csv"}
    place = "/v1/campaigns/nobody/recipients"
    waiting = [
        asyncio.create_task(us.http.post(place, content=slow(), headers=headers)) for _ in range(2)
    ]
    await until(lambda: holds(upload_dir, 2))
    refused = await us.http.post(place, content=contacts(1), headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_uploads")
    assert refused.headers["retry-after"]
    going_on.set()
    assert {(await one).status_code for one in waiting} == {404}
    await until(lambda: is_empty(upload_dir))


async def begun(world: World, name: str) -> StagingRecord:
    """A launch that another process begins, and does not go on with."""
    loaded = read_definition_text(definition(name)).definition.on_line("simulated")
    now = world.clock.now
    return await world.ctx.database.write(
        lambda s: begin_launch(s, "default", loaded, uuid.uuid4().hex, now=now, again=False)
    )


async def test_a_launch_whose_process_died_has_failed(us: Customer, world: World) -> None:
    record = await begun(world, new_name())
    place = f"/v1/launches/{record.public_id}"
    assert (await us.http.get(place)).json()["state"] == "staging"
    world.clock.now += ABANDONED_AFTER
    assert (await us.http.get(place)).json()["state"] == "failed"
    with pytest.raises(StagingEnded):  # if it only stalled
        await world.ctx.database.write(
            lambda s: note_progress(s, record, ReadSoFar(1), now=world.clock.now)
        )


async def test_a_launch_is_canceled_before_its_end(us: Customer, world: World) -> None:
    record = await begun(world, new_name())
    place = f"/v1/launches/{record.public_id}"
    canceled = await us.http.delete(place)
    assert (canceled.status_code, canceled.json()["state"]) == (202, "refused")
    assert canceled.json()["code"] == "canceled"
    again = await us.http.delete(place)
    assert (again.status_code, again.json()["code"]) == (409, "change_refused")


async def test_a_file_is_added_in_the_background(
    us: Customer, world: World, upload_dir: Path
) -> None:
    """With the columns of the campaign's own file; nobody carries its workflow out here."""
    name = new_name()
    parts = form(name, contacts(5).replace(b"phone", b"mobile"))
    mapped = definition(name).replace("contacts}", "contacts, columns: {phone: mobile}}")
    await followed(us, await us.http.post("/v1/campaigns", files=parts | {
        "definition": (None, mapped)
    }))  # fmt: skip
    place, headers = f"/v1/campaigns/{name}/recipients", {"content-type": "text/csv; charset=utf-8"}
    more = contacts(2500, first=100).replace(b"phone", b"mobile")
    added = await us.http.post(place, content=more, headers=headers)
    launch = await followed(us, added, "moving")
    assert (launch["state"], launch["kind"]) == ("moving", "addition")
    assert (launch["rows"], launch["recipients"]) == (2500, 2500)
    wrong = await us.http.post(place, content=b"mobile,first_name\n12,Bob\n", headers=headers)
    refused = await followed(us, wrong)
    [problem] = refused["problems"]
    assert (problem["file"], problem["line"]) == ("contacts.csv", 2)

    async def joined() -> bool:
        campaign = (await us.http.get(f"/v1/campaigns/{name}")).json()
        return bool(campaign["progress"]["recipients"] == 2505)

    await until(joined)


async def test_an_upload_that_breaks_off_leaves_nothing(us: Customer, upload_dir: Path) -> None:
    _reader, writer = await asyncio.open_connection(us.http.base_url.host, us.http.base_url.port)
    head = (
        "POST /v1/campaigns/x/recipients HTTP/1.1\r\nhost: x\r\ncontent-type: text/csv\r\n"
        f"authorization: {us.headers['authorization']}\r\ncontent-length: 1000\r\n\r\nphone\n"
    )
    writer.write(head.encode())
    await until(lambda: holds(upload_dir, 1))
    writer.close()
    await until(lambda: is_empty(upload_dir))


async def test_an_api_that_stops_leaves_its_launch_to_the_next_attempt(
    world: World, upload_dir: Path
) -> None:
    name = new_name()
    async with serving_world(world) as http:
        customer = await new_customer(http, world, "default")
        async with customer.http:
            answer = await customer.http.post("/v1/campaigns", files=form(name, contacts(9000)))
            assert answer.status_code == 202, answer.text
    assert await is_empty(upload_dir)
    async with serving_world(world) as http:
        customer = await new_customer(http, world, "default")
        async with customer.http:
            place = answer.headers["location"]
            assert (await customer.http.get(place)).json()["state"] == "failed"
            again = await customer.http.post("/v1/campaigns", files=form(name, contacts(5)))
            assert (await followed(customer, again))["state"] == "done"
