"""The JavaScript of Voxanne's API reference under Node, unchanged but for base URL and key."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from outdial.domain.endpoint import EventType
from outdial.webhook_formats.port import read_event
from outdial.webhook_formats.voxanne import VoxanneWebhooks
from tests.builders import phone
from tests.compat.node import MODULE, node_server, run_node
from tests.compat.samples import ours
from tests.compat.voxanne.conftest import call_made
from tests.e2e.engine import Engine
from tests.serving import client_at
from tests.webhook_formats.test_thinnestai_and_voxanne import (
    BOOKED,
    CALL,
    NOW,
    SECRET,
    TO,
    payload_of,
)

pytestmark = pytest.mark.faults

HERE = Path(__file__).parent


async def printed(http: httpx.AsyncClient, sample: str, more: str = "") -> str:
    """What a sample prints, with our base URL and key in place of theirs."""
    base = ("https://api.voxanne.ai", str(http.base_url).rstrip("/"))
    key = ("YOUR_API_KEY", http.headers["authorization"].removeprefix("Bearer "))
    return await run_node(ours(HERE, sample, base, key).rstrip() + more, {}, MODULE)


async def test_42_authentication(http: httpx.AsyncClient) -> None:
    show = ".then(async (answer) => console.log(answer.status, (await answer.json()).length >= 0))"
    assert await printed(http, "authentication.mjs", show) == "200 true\n"


async def test_43_create_agent(http: httpx.AsyncClient) -> None:
    output = await printed(http, "create_agent.mjs")
    agents = (await http.get("/api/agents")).json()
    assert output in [f"Agent created: {agent['id']}\n" for agent in agents]


async def test_47_list_calls(at_work: Engine, http: httpx.AsyncClient) -> None:
    await call_made(at_work, http, phone(701))
    assert "Call from null: completed" in (await printed(http, "list_calls.mjs")).splitlines()


TOLD = [
    (EventType.CALL_IN_PROGRESS, CALL, ["Call started: call-1"]),
    (EventType.CALL_COMPLETED, CALL, ["Call ended: call-1", "Saved: completed"]),
    (EventType.APPOINTMENT_BOOKED, BOOKED, ["Appointment booked: {"]),
]


async def test_63_webhook_handler() -> None:
    """It verifies what it has parsed, and answers 401 to what somebody else signed."""
    script = ours(HERE, "express.cjs") + ours(HERE, "webhook_handler.cjs")
    async with node_server(script, {"SECRET": SECRET}) as printing, client_at() as http:
        url = f"http://127.0.0.1:{int(await printing.readline())}/webhooks/vapi"
        for kind, data, lines in TOLD:
            message = VoxanneWebhooks().write(read_event("evt_1", payload_of(kind, data)), TO, NOW)
            assert message is not None
            good = await http.post(url, content=message.body, headers=message.headers)
            assert (good.status_code, good.text) == (200, "OK")
            for line in lines:
                assert (await printing.readline()).decode().strip() == line
            if kind is EventType.APPOINTMENT_BOOKED:
                while (line := (await printing.readline()).decode()).startswith((" ", "}")):
                    assert "Mailed" not in line
                assert line == "Mailed: apt_1\n"
            forged = message.headers | {"x-vapi-signature": "0" * 64}
            bad = await http.post(url, content=message.body, headers=forged)
            assert (bad.status_code, bad.text) == (401, "Invalid signature")
