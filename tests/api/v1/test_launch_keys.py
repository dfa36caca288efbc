"""Launches and additions with an Idempotency-Key: carried out once, whatever became of them."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from outdial.dispatch.errors import TemporalUnavailable, WorkerTimeout
from outdial.services.campaigns import launching
from outdial.services.campaigns.staging import StagingWriter
from outdial.store.access import idempotency
from outdial.store.db.errors import DatabaseUnavailable
from outdial.store.roster.staging import ABANDONED_AFTER
from tests.api.v1.conftest import Customer
from tests.api.v1.launches import contacts, followed, form, holds, inline, is_empty
from tests.services.world import World, new_name
from tests.waiting import until


async def test_the_same_key_is_the_same_launch(us: Customer, upload_dir: Path) -> None:
    parts, headers = form(new_name(), contacts(5)), {"idempotency-key": "upload-1"}
    first = await us.http.post("/v1/campaigns", files=parts, headers=headers)
    await followed(us, first)
    again = await us.http.post("/v1/campaigns", files=parts, headers=headers)  # other boundaries
    assert (again.text, again.headers["location"]) == (first.text, first.headers["location"])
    other = form(new_name(), contacts(5))
    assert (await us.http.post("/v1/campaigns", files=other, headers=headers)).status_code == 409
    await until(lambda: is_empty(upload_dir))


async def test_a_launch_that_goes_on_keeps_its_file(
    us: Customer, upload_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its request fails when its answer is to be stored, after the launch has begun."""
    name, going_on, write = new_name(), asyncio.Event(), StagingWriter.write

    async def held(self: StagingWriter, *how: Any) -> int:
        await going_on.wait()
        return await write(self, *how)

    def unavailable(*_: object) -> None:
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr(StagingWriter, "write", held)
    monkeypatch.setattr(idempotency, "store_response", unavailable)
    headers = {"idempotency-key": "upload-2"}
    answer = await us.http.post("/v1/campaigns", files=form(name, contacts(5)), headers=headers)
    assert answer.status_code == 503, answer.text
    assert await holds(upload_dir, 1)
    going_on.set()
    await until(lambda: is_empty(upload_dir))
    assert (await us.http.get(f"/v1/campaigns/{name}")).json()["state"] == "running"


class LostAnswers:
    """Requests with a key whose answer can't be stored, the first time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch

    async def send(self, customer: Customer, place: str, **how: Any) -> httpx.Response:
        def unavailable(*_: object) -> None:
            raise DatabaseUnavailable("gone")

        headers = how.pop("headers", {}) | {"idempotency-key": uuid.uuid4().hex}
        with self._patch.context() as patched:
            patched.setattr(idempotency, "store_response", unavailable)
            lost = await customer.http.post(place, headers=headers, **how)
        assert lost.status_code == 503, lost.text
        found = await customer.http.post(place, headers=headers, **how)
        again = await customer.http.post(place, headers=headers, **how)
        assert found.status_code == 202, found.text
        assert again.json()["id"] == found.json()["id"]  # it may have ended meanwhile
        assert again.headers["location"] == found.headers["location"]
        return found


@pytest.fixture
def lost_answers(monkeypatch: pytest.MonkeyPatch) -> LostAnswers:
    return LostAnswers(monkeypatch)


@pytest.mark.parametrize("upload", [True, False])
async def test_a_launch_whose_answer_was_lost_is_found_by_its_key(
    us: Customer, upload_dir: Path, lost_answers: LostAnswers, upload: bool
) -> None:
    name = new_name()
    how = {"files": form(name, contacts(5))} if upload else {"json": inline(name, 5)}
    found = await lost_answers.send(us, "/v1/campaigns?again=true", **how)
    launch = await followed(us, found)
    assert (launch["state"], launch["campaign"], launch["launch"]) == ("done", name, 1)
    assert (await us.http.get(f"/v1/campaigns/{name}")).json()["launch"] == 1


@pytest.mark.parametrize("kind", ["file", "few", "many"])
async def test_an_addition_whose_answer_was_lost_is_found_by_its_key(
    us: Customer,
    upload_dir: Path,
    lost_answers: LostAnswers,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """It is not added a second time, which would refuse each of its recipients."""

    async def nobody_answers(*_: object) -> None:
        raise WorkerTimeout("nobody answers")

    monkeypatch.setattr("outdial.services.campaigns.adding.enroll_staged", nobody_answers)
    name = new_name()
    assert (await us.http.post("/v1/campaigns", json=inline(name, 1))).status_code == 201
    count = 1200 if kind == "many" else 3
    how: dict[str, Any] = {"json": {"recipients": inline(name, count + 1)["recipients"][1:]}}
    if kind == "file":
        how = {"content": contacts(3, first=1), "headers": {"content-type": "text/csv"}}
    found = await lost_answers.send(us, f"/v1/campaigns/{name}/recipients", **how)
    assert (await followed(us, found, "moving"))["recipients"] == count

    async def added() -> bool:
        progress = (await us.http.get(f"/v1/campaigns/{name}")).json()["progress"]
        assert progress["recipients"] <= 1 + count
        return bool(progress["recipients"] == 1 + count)

    await until(added)


async def test_a_launch_that_died_is_carried_out_anew_by_its_key(
    us: Customer, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, headers = new_name(), {"idempotency-key": uuid.uuid4().hex}

    async def die(*_: object) -> None:
        raise DatabaseUnavailable("gone")

    def unavailable(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("gone")

    with monkeypatch.context() as patched:  # nothing can be stored any more
        patched.setattr(StagingWriter, "write", die)
        patched.setattr("outdial.store.roster.staging.refuse", unavailable)
        patched.setattr(idempotency, "discard_request", unavailable)
        lost = await us.http.post("/v1/campaigns", json=inline(name, 2), headers=headers)
    assert lost.status_code == 503
    goes_on = await us.http.post("/v1/campaigns", json=inline(name, 2), headers=headers)
    assert (goes_on.status_code, goes_on.json()["state"]) == (202, "staging")
    world.clock.now += ABANDONED_AFTER
    anew = await us.http.post("/v1/campaigns", json=inline(name, 2), headers=headers)
    assert (anew.status_code, anew.json()["created"]) == (201, True)
    again = await us.http.post("/v1/campaigns", json=inline(name, 2), headers=headers)
    assert (again.status_code, again.text) == (201, anew.text)
    assert (await us.http.get(f"/v1/launches/{goes_on.json()['id']}")).json()["state"] == "failed"


@pytest.mark.parametrize("again", [False, True])
async def test_a_launch_whose_workflow_could_not_be_started_is_the_one_of_its_key(
    us: Customer, world: World, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    """However late its key comes once more: the campaign may be over by then."""
    name, headers = new_name(), {"idempotency-key": uuid.uuid4().hex}
    place, body = f"/v1/campaigns?again={str(again).lower()}", inline(name, 2)

    async def away(*_: object) -> None:
        raise TemporalUnavailable("it starts by itself later")

    with monkeypatch.context() as patched:
        patched.setattr(launching, "start_campaign", away)
        unstarted = await us.http.post(place, json=body, headers=headers)
    assert (unstarted.status_code, unstarted.json()["code"]) == (503, "temporal_unavailable")
    stopped = await us.http.post(f"/v1/campaigns/{name}/stop", json={})
    assert stopped.json()["state"] == "stopped", stopped.text
    for _ in range(2):
        late = await us.http.post(place, json=body, headers=headers)
        assert (late.status_code, late.json()["state"], late.json()["launch"]) == (202, "done", 1)
    assert (await us.http.get(f"/v1/campaigns/{name}")).json()["launch"] == 1


@pytest.mark.parametrize("upload", [True, False])
async def test_a_canceled_launch_is_not_carried_out_by_its_key(
    us: Customer, upload_dir: Path, monkeypatch: pytest.MonkeyPatch, upload: bool
) -> None:
    name, canceled, write = new_name(), asyncio.Event(), StagingWriter.write
    begun: list[str] = []

    async def held(self: StagingWriter, *how: Any) -> int:
        begun.append(self.record.public_id)
        await canceled.wait()
        return await write(self, *how)

    def unavailable(*_: object) -> None:
        raise DatabaseUnavailable("gone")

    how: dict[str, Any] = (
        {"files": form(name, contacts(5))} if upload else {"json": inline(name, 5)}
    )
    headers = {"idempotency-key": uuid.uuid4().hex}
    with monkeypatch.context() as patched:
        patched.setattr(StagingWriter, "write", held)
        patched.setattr(idempotency, "store_response", unavailable)
        request = asyncio.create_task(us.http.post("/v1/campaigns", headers=headers, **how))
        await until(lambda: _any(begun))
        assert (await us.http.delete(f"/v1/launches/{begun[0]}")).status_code == 202
        canceled.set()
        assert (await request).status_code in (409, 503)
    for _ in range(2):
        again = await us.http.post("/v1/campaigns", headers=headers, **how)
        assert (again.status_code, again.json()["id"]) == (202, begun[0]), again.text
        assert (again.json()["state"], again.json()["code"]) == ("refused", "canceled")
    assert (await us.http.get(f"/v1/campaigns/{name}")).status_code == 404


async def _any(items: list[str]) -> bool:
    return bool(items)
