"""The client over the real API, and over servers that fail it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from outdial.client.async_client import AsyncClient
from outdial.client.client import Client
from outdial.client.errors import ApiError, ApiUnreachable
from outdial.client.models.campaigns import LaunchedCampaign
from outdial.client.models.contacts import ContactUpdate, NewContact
from outdial.client.models.endpoints import NewEndpoint
from outdial.client.paging import every, every_awaited
from outdial.client.request import Retries
from tests.api.v1.conftest import Customer, api, database, them, us, world
from tests.builders import phone
from tests.serving import listening

__all__ = ["api", "database", "them", "us", "world"]

QUICK = Retries(attempts=3, first_wait=0.01)
DEFINITION = {
    "name": "by-client",
    "purpose": "informational",
    "agent": "reminder",
    "recipients": [{"phone": phone(1), "first_name": "Ana"}],
}


def plain(customer: Customer) -> Client:
    base = str(customer.http.base_url)
    return Client(base, customer.key.text, retries=QUICK)


def awaited(customer: Customer) -> AsyncClient:
    return AsyncClient(str(customer.http.base_url), customer.key.text, retries=QUICK)


async def test_a_directory_is_kept_by_the_awaited_client(us: Customer, them: Customer) -> None:
    async with awaited(us) as outdial:
        made = [
            await outdial.create_contact(NewContact(phone=phone(n), tags=["patients"]))
            for n in range(5)
        ]
        listed = [
            one async for one in every_awaited(outdial.list_contacts, tag=["patients"], limit=2)
        ]
        assert [one.id for one in listed] == sorted(one.id for one in made)
        changed = await outdial.update_contact(
            made[0].id, ContactUpdate(notes="afternoons"), if_match=made[0].version
        )
        assert (changed.notes, changed.version) == ("afternoons", 2)
        with pytest.raises(ApiError) as stale:
            await outdial.update_contact(made[0].id, ContactUpdate(notes="no"), if_match=1)
        assert stale.value.problem is not None
        assert (stale.value.status, stale.value.problem.code) == (412, "precondition_failed")
        await outdial.delete_contact(made[0].id)
    async with awaited(them) as others:
        with pytest.raises(ApiError) as gone:
            await others.get_contact(made[1].id)
        assert gone.value.status == 404


async def test_a_campaign_is_run_by_the_plain_client(us: Customer) -> None:
    def work() -> None:
        with plain(us) as outdial:
            launched = outdial.launch_campaign(DEFINITION, idempotency_key="once")
            assert isinstance(launched, LaunchedCampaign)
            assert launched.created
            again = outdial.launch_campaign(DEFINITION, idempotency_key="once")
            assert again == launched
            assert "var_first_name" in outdial.export_results("by-client")
            assert [one.name for one in every(outdial.list_campaigns)] == ["by-client"]
            [why] = outdial.explain_recipient("by-client", phone=phone(1))
            assert why
            endpoint = outdial.create_endpoint(NewEndpoint(url="https://example.com/hooks"))
            outdial.delete_endpoint(endpoint.id)

    await asyncio.to_thread(work)


@asynccontextmanager
async def failing(first: int, status: int = 503) -> AsyncIterator[tuple[str, list[str]]]:
    """A server that answers a contact after so many failures; its address, and the keys sent."""
    app, keys = FastAPI(), list[str]()

    @app.post("/v1/contacts")
    async def create(request: Request) -> Response:
        keys.append(request.headers.get("idempotency-key", ""))
        if len(keys) <= first:
            return Response("upstream", status)
        contact = {
            "id": "1", "tenant": "t", "phone": phone(1), "created_at": "2030-01-01T00:00:00Z",
            "updated_at": "2030-01-01T00:00:00Z", "metadata": {}, "version": 1, "tags": [],
            "first_name": None, "last_name": None, "email": None, "company": None, "notes": None,
            "time_zone": None, "came_later": True,
        }  # fmt: skip
        return JSONResponse(contact, 201)

    async with listening(app) as base:
        yield base, keys


async def test_it_is_sent_again_with_the_same_key() -> None:
    async with failing(2) as (base, keys), AsyncClient(base, "od_key", retries=QUICK) as outdial:
        made = await outdial.create_contact(NewContact(phone=phone(1)))
        await outdial.create_contact(NewContact(phone=phone(2)))
    assert made.model_extra == {"came_later": True}
    assert keys[0] == keys[1] == keys[2] != keys[3]


@asynccontextmanager
async def losing(status: int) -> AsyncIterator[tuple[str, list[str]]]:
    """A server that carries out what it is asked to, and whose first answer for each path is lost
    by a proxy; its address, and the paths asked for. What is not there is answered with 404."""
    app, paths = FastAPI(), list[str]()

    @app.delete("/v1/{path:path}")
    async def delete(path: str) -> Response:
        paths.append(path)
        if paths.count(path) == 1 and "missing" not in path:
            return Response("upstream", status)
        problem = {"title": "Not Found", "status": 404, "detail": "gone", "code": "not_found"}
        return JSONResponse(problem, 404)

    async with listening(app) as base:
        yield base, paths


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_what_a_lost_answer_deleted_is_deleted(status: int) -> None:
    async with losing(status) as (base, paths):
        async with AsyncClient(base, "od_key", retries=QUICK) as outdial:
            await outdial.delete_contact("1")
            with pytest.raises(ApiError) as never:
                await outdial.delete_contact("missing")
        assert never.value.status == 404
        with Client(base, "od_key", retries=QUICK) as plain_outdial:
            await asyncio.to_thread(plain_outdial.delete_agent, "1")
        assert paths == ["contacts/1"] * 2 + ["contacts/missing"] + ["agents/1"] * 2


async def test_a_404_of_a_proxy_says_nothing_of_what_was_deleted() -> None:
    app, paths = FastAPI(), list[str]()

    @app.delete("/v1/{path:path}")
    async def delete(path: str) -> Response:
        paths.append(path)
        return Response("upstream", 502 if len(paths) == 1 else 404)

    async with listening(app) as base, AsyncClient(base, "od_key", retries=QUICK) as outdial:
        with pytest.raises(ApiError):
            await outdial.delete_contact("1")
    assert len(paths) == 2


async def test_a_suppression_is_lifted_once_whatever_comes_of_the_answer() -> None:
    """The person may have opted out again before a second request."""
    async with losing(502) as (base, paths):
        async with AsyncClient(base, "od_key", retries=QUICK) as outdial:
            with pytest.raises(ApiError) as lost:
                await outdial.lift_suppression(phone(1), reason="asked for it")
            assert (lost.value.status, len(paths)) == (502, 1)
            with pytest.raises(ApiError):
                await outdial.cancel_launch("1")
        assert len(paths) == 2


async def test_a_request_under_way_is_waited_for_and_any_other_conflict_is_not() -> None:
    app, keys = FastAPI(), list[str]()

    @app.post("/v1/contacts")
    async def create(request: Request) -> Response:
        keys.append(request.headers["idempotency-key"])
        if len(keys) == 1:
            return Response("upstream", 504)
        code = "request_in_progress" if len(keys) == 2 else "conflict"
        problem = {"title": "Conflict", "status": 409, "detail": "said", "code": code}
        return JSONResponse(problem, 409, headers={"retry-after": "0"})

    async with listening(app) as base, AsyncClient(base, "od_key", retries=QUICK) as outdial:
        for attempts in (3, 4):  # of the second request there is one
            with pytest.raises(ApiError) as refused:
                await outdial.create_contact(NewContact(phone=phone(1)))
            assert refused.value.problem is not None
            assert (refused.value.problem.code, len(keys)) == ("conflict", attempts)
    assert len(set(keys)) == 2


async def test_it_gives_up_and_says_what_was_answered() -> None:
    async with failing(9) as (base, keys):
        async with AsyncClient(base, "od_key", retries=QUICK) as outdial:
            with pytest.raises(ApiError) as given_up:
                await outdial.create_contact(NewContact(phone=phone(1)))
        assert (given_up.value.status, given_up.value.problem) == (503, None)
        assert len(keys) == QUICK.attempts
    with Client(base, "od_key", retries=QUICK) as outdial_plain, pytest.raises(ApiUnreachable):
        outdial_plain.list_contacts()
