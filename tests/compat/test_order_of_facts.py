"""Whoever polls until a call is completed, and reads it once, finds all that is known of it."""

from __future__ import annotations

from typing import Any

import pytest

from outdial.services.accounts import directory
from outdial.services.accounts.directory import PHONE_NUMBERS
from tests.compat.whole import (
    Client,
    at_work,
    client_of,
    customer,
    key,
    people,
    until_true,
)
from tests.e2e.engine import Engine

__all__ = ["at_work", "customer", "key"]

SHOWN = "+18005551234"
SYSTEMS: dict[str, tuple[str, dict[str, Any], str, str, tuple[str, ...]]] = {
    "vozagent": (
        "/v1/calls/outbound", {"phone_number": "", "assistant_id": "voz"}, "/v1/calls/{}",
        "call_status", ("transcript", "recording_url", "cost", "call_ended_at"),
    ),
    "voxpria": (
        "/api/v1/calls", {"toNumber": "", "agentId": "vox"}, "/api/v1/calls/{}",
        "status", ("transcript", "recording", "completedAt", "duration"),
    ),
    "thinnestai": (
        "/voice/outbound/dial",
        {"to_number": "", "agent_id": "thin", "from_number": SHOWN, "recording": True},
        "/voice/sessions/{}", "status", ("recording_id", "ended_at", "duration"),
    ),
    "voxanne": (
        "/api/contacts/{}/call-back", {"agentId": "anne"}, "/api/calls/{}",
        "status", ("transcript", "recordingUrl", "cost", "ended_at"),
    ),
}  # fmt: skip
"""Where to dial, with what, where to look, and what must be there once it is completed."""
CALL_ID = ("call_id", "callId", "vapiCallId")


def inner(body: dict[str, Any]) -> dict[str, Any]:
    return dict(body.get("data", body))


@pytest.mark.parametrize("system", SYSTEMS)
async def test_completed_comes_with_the_facts(at_work: Engine, key: str, system: str) -> None:
    path, order, look, status, facts = SYSTEMS[system]
    client = client_of(f"{at_work.api}/compat/{system}", key)
    number = f"+1415555017{list(SYSTEMS).index(system)}"
    if system == "thinnestai":
        await directory.add(at_work.ctx, PHONE_NUMBERS, {"phone": SHOWN})
    if system == "voxanne":
        contact = await client.post("/api/contacts", {"name": "Jane Doe", "phone": number})
        path = path.format(contact.json()["id"])
    body = {field: value or number for field, value in order.items()}
    with people(at_work, analysis_seconds=[1.0, 1.0]):
        made = inner((await client.post(path, body)).json())
        call_id = next(made[name] for name in CALL_ID if name in made)
        call = await polled(client, look.format(call_id), status)
    missing = [name for name in facts if call[name] is None]
    assert not missing, call


async def polled(client: Client, path: str, status: str) -> dict[str, Any]:
    """What is found when a poll first says `completed`; before, it tells no end."""
    call: dict[str, Any] = {}

    async def over() -> bool:
        call.clear()
        call.update(inner((await client.get(path)).json()))
        if call[status] != "completed":
            ends = ("ended_at", "completedAt", "call_ended_at")
            assert [call[name] for name in ends if name in call] == [None]
            return False
        return True

    await until_true(over)
    return call
