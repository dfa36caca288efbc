"""The console over a real database, and two customers who are signed in to it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache

import httpx
import pytest_asyncio

from outdial.api.app import build_app, open_state
from outdial.console.app import PATH, create_console
from outdial.console.forms import TOKEN_FIELD, form_token
from outdial.console.viewer import COOKIE
from outdial.domain.access import EVERYTHING
from outdial.services.accounts.keys import NewKey
from tests.api.applications import Opened
from tests.api.v1.conftest import new_key
from tests.services.servers import database, world
from tests.services.world import OTHER_TENANT, World
from tests.serving import client_at, listening

__all__ = ["database", "world"]
UI = "http://ui.invalid:8233"


@dataclass(frozen=True)
class Console:
    """Somebody's browser."""

    http: httpx.AsyncClient
    key: NewKey

    @property
    def session(self) -> str:
        token = self.http.cookies.get(COOKIE)
        assert token is not None, "nobody is signed in"
        return token

    async def page(self, path: str, status: int = 200) -> str:
        answer = await self.http.get(f"{PATH}{path}")
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        return answer.text

    async def send(self, path: str, **fields: str) -> httpx.Response:
        """Send a form as the page that holds it would."""
        token = {TOKEN_FIELD: form_token(self.session)}
        return await self.http.post(f"{PATH}{path}", data=token | fields)


@pytest_asyncio.fixture(loop_scope="session")
async def base(world: World) -> AsyncIterator[str]:
    """Where the API process listens that serves the console."""
    async with serving_console(world) as base:
        yield base


@asynccontextmanager
async def serving_console(world: World) -> AsyncIterator[str]:
    app = _application()
    app.opened = lambda: open_state(world.ctx, "http://testserver", ui_url=UI)
    async with listening(app.app) as base:
        yield base


class _Application:
    """Built once: reading the routes of all doors takes FastAPI a while."""

    opened: Opened

    def __init__(self) -> None:
        self.app = build_app(lambda: self.opened(), beside={PATH: create_console()})


_application = cache(_Application)


@asynccontextmanager
async def signed_in(
    base: str, world: World, tenant: str = "default", scopes: tuple[str, ...] = (EVERYTHING,)
) -> AsyncIterator[Console]:
    key = await new_key(world, tenant, scopes)
    async with client_at(base, timeout=60) as http:
        answer = await sign_in(http, key.text)
        assert answer.status_code == 303, answer.text
        yield Console(http, key)


async def sign_in(http: httpx.AsyncClient, text: str) -> httpx.Response:
    """Fill in the form."""
    form = await http.get(f"{PATH}/sign-in")
    return await http.post(f"{PATH}/sign-in", data={TOKEN_FIELD: token_in(form.text), "key": text})


def token_in(page: str) -> str:
    match = re.search(rf'name="{TOKEN_FIELD}" value="([^"]+)"', page)
    assert match, page
    return match[1]


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(base: str) -> AsyncIterator[httpx.AsyncClient]:
    async with client_at(base, timeout=60) as http:
        yield http


@pytest_asyncio.fixture(loop_scope="session")
async def us(base: str, world: World) -> AsyncIterator[Console]:
    async with signed_in(base, world) as console:
        yield console


@pytest_asyncio.fixture(loop_scope="session")
async def them(base: str, world: World) -> AsyncIterator[Console]:
    async with signed_in(base, world, OTHER_TENANT) as console:
        yield console
