"""The JavaScript of Voxanne's API reference under Node, unchanged but for base URL and key."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from dialects.port import read_event
from dialects.voxanne import VoxanneWebhooks
from domain.endpoint import EventType
from tests.builders import phone
from tests.compat.voxanne.conftest import call_made
from tests.dialects.test_thinnestai_and_voxanne import CALL, NOW, SECRET, TO, told
from tests.e2e.engine import Engine
from tests.serving import client_at

NODE = shutil.which("node")
SAMPLES = Path(__file__).with_name("samples")
pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node here")


@asynccontextmanager
async def node(script: str, **variables: str) -> AsyncIterator[asyncio.subprocess.Process]:
    assert NODE is not None
    process = await asyncio.create_subprocess_exec(
        NODE,
        "--input-type=module",
        "--eval",
        script,
        env={**os.environ, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def printed(http: httpx.AsyncClient, sample: str) -> str:
    """What a sample prints, with our base URL and key in place of theirs."""
    text = (SAMPLES / sample).read_text(encoding="utf-8")
    base = str(http.base_url).rstrip("/")
    key = http.headers["authorization"].removeprefix("Bearer ")
    ours = text.replace("https://api.voxanne.ai", base).replace("YOUR_API_KEY", key)
    assert ours != text
    async with node(ours) as process:
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def test_42_authentication(http: httpx.AsyncClient) -> None:
    assert await printed(http, "authentication.mjs") == ""


async def test_43_create_agent(http: httpx.AsyncClient) -> None:
    told = await printed(http, "create_agent.mjs")
    agents = (await http.get("/api/agents")).json()
    assert told in [f"Agent created: {agent['id']}\n" for agent in agents]


async def test_47_list_calls(at_work: Engine, http: httpx.AsyncClient) -> None:
    await call_made(at_work, http, phone(701))
    assert "Call from null: completed" in (await printed(http, "list_calls.mjs")).splitlines()


TOLD = [
    (EventType.CALL_IN_PROGRESS, CALL, ["Call started: call-1"]),
    (EventType.CALL_COMPLETED, CALL, ["Call ended: call-1", "Saved: completed"]),
    (EventType.APPOINTMENT_BOOKED, {"id": "apt_1"}, ["Appointment booked: { id: 'apt_1' }"]),
]


async def test_63_webhook_handler() -> None:
    """It verifies what it has parsed, and answers 401 to what somebody else signed."""
    script = (SAMPLES / "express.mjs").read_text() + (SAMPLES / "webhook_handler.mjs").read_text()
    async with node(script, SECRET=SECRET) as process, client_at() as http:
        assert process.stdout is not None
        url = f"http://127.0.0.1:{int(await process.stdout.readline())}/webhooks/vapi"
        for kind, data, lines in TOLD:
            message = VoxanneWebhooks().write(read_event("evt_1", told(kind, data)), TO, NOW)
            assert message is not None
            good = await http.post(url, content=message.body, headers=message.headers)
            assert (good.status_code, good.text) == (200, "OK")
            for line in lines:
                assert (await process.stdout.readline()).decode().strip() == line
            if kind is EventType.APPOINTMENT_BOOKED:
                assert await process.stdout.readline() == b"Mailed: apt_1\n"
            forged = message.headers | {"x-vapi-signature": "0" * 64}
            bad = await http.post(url, content=message.body, headers=forged)
            assert (bad.status_code, bad.text) == (401, "Invalid signature")
