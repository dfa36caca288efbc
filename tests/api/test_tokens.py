"""Webhooks of providers that sign nothing: a secret in the URL, and senders that are named."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import func, select

from outdial.providers.adapters.buildvoiceai.client import BuildVoiceAIProvider
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.providers.port import LineConfig
from outdial.store.db.tables import event
from tests.api.conftest import serving_world
from tests.services.world import World

SECRET = "a secret/with %41 & more"
TOKEN = quote(SECRET, safe="")
BODY = json.dumps({"event": "call.completed", "call_id": "c-1", "status": "completed"})
NAMED = {"allowed_addresses": ["203.0.113.0/24"], "address_header": "X-Real-IP"}


def _line(name: str, secret: str | None = SECRET, options: dict[str, Any] | None = None) -> Line:
    credentials = {"api_key": "k"} | ({} if secret is None else {"webhook_secret": secret})
    config = LineConfig(name=name, credentials=credentials, options=options or {})
    return Line(name, BuildVoiceAIProvider(config), LinePolicy())


@pytest_asyncio.fixture(loop_scope="session")
async def api(world: World) -> AsyncIterator[httpx.AsyncClient]:
    lines = Lines([_line("open"), _line("named", options=NAMED), _line("mute", secret=None)])
    async with serving_world(replace(world, ctx=replace(world.ctx, lines=lines))) as client:
        yield client
    await lines.aclose()


async def _stored(world: World) -> int:
    count = select(func.count()).select_from(event)
    return await world.ctx.database.read(lambda s: int(s.connection().execute(count).scalar_one()))


@pytest.mark.parametrize("path", [f"/hooks/open/{TOKEN}", f"/hooks/open?token={TOKEN}"])
async def test_the_secret_in_the_url_is_believed(
    api: httpx.AsyncClient, world: World, path: str
) -> None:
    answer = await api.post(path, content=BODY)
    assert (answer.status_code, answer.json()) == (200, {"stored": 1, "new": 1})
    assert await _stored(world) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/hooks/open",
        "/hooks/open/",
        "/hooks/open/wrong",
        f"/hooks/open/{TOKEN}x",
        f"/hooks/open/{TOKEN}/more",
        f"/hooks/open/{TOKEN}?token=wrong",
        f"/hooks/mute/{TOKEN}",
        "/hooks/mute/",
    ],
)
async def test_anything_else_is_refused_and_changes_nothing(
    api: httpx.AsyncClient, world: World, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "outdial.api.errors"):
        answer = await api.post(path, content=BODY)
    assert answer.status_code == 401
    assert await _stored(world) == 0
    assert SECRET not in caplog.text
    assert TOKEN not in caplog.text
    assert "refused" in caplog.text


@pytest.mark.parametrize(
    ("address", "status"),
    [("203.0.113.9", 200), ("198.51.100.1, 203.0.113.9", 200), ("198.51.100.1", 401), (None, 401)],
)
async def test_senders_may_be_named(
    api: httpx.AsyncClient, world: World, address: str | None, status: int
) -> None:
    headers = {} if address is None else {"x-real-ip": address}
    answer = await api.post(f"/hooks/named/{TOKEN}", content=BODY, headers=headers)
    assert answer.status_code == status
    assert await _stored(world) == (1 if status == 200 else 0)
