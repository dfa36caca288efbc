"""Several systems on one host, for one tenant: each in its own dialect (rows 75 and 76)."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.api.v1.conftest import Customer, api, us
from tests.services.servers import database, temporal_server, world

__all__ = ["api", "database", "temporal_server", "us", "world"]

DIALS: dict[str, tuple[str, dict[str, Any], int]] = {
    "buildvoiceai": (
        "/api/v1/calls/trigger",
        {"phone_number": "+15551234567", "agent_id": "your-agent-uuid"},
        200,
    ),
    "vozagent": (
        "/v1/calls/outbound",
        {"phone_number": "+15551234567", "assistant_id": "voz"},
        201,
    ),
    "voxpria": (
        "/api/v1/calls",
        {"agentId": "agent_abc123", "toNumber": "+14155551234", "variables": {}},
        200,
    ),
}
"""What each system's clients send to have a call made, and the status of the answer."""


def id_in(system: str, answer: dict[str, Any]) -> str:
    return str(answer["data"]["callId"] if system == "voxpria" else answer["call_id"])


async def test_row_75_everybody_at_once(us: Customer) -> None:
    async def dial(system: str) -> str:
        path, body, status = DIALS[system]
        answer = await us.http.post(f"/compat/{system}{path}", json=body)
        assert answer.status_code == status, answer.text
        return id_in(system, answer.json())

    made = await asyncio.gather(*(dial(system) for system in DIALS for _ in range(3)))
    assert len(set(made)) == 3 * len(DIALS)
    listed = (await us.http.get("/v1/calls")).json()["items"]
    assert {call["id"] for call in listed} == set(made)
    assert {call["origin"] for call in listed} == set(DIALS)
    # A tenant's calls are one list, whichever door took them.
    theirs = (await us.http.get("/compat/voxpria/api/v1/calls")).json()["data"]
    assert {call["callId"] for call in theirs} == set(made)


@pytest.mark.parametrize("system", DIALS)
async def test_row_76_each_refuses_in_its_own_words(api: httpx.AsyncClient, system: str) -> None:
    path, body, _ = DIALS[system]
    without_key = await api.post(f"/compat/{system}{path}", json=body)
    nowhere = await api.post(f"/compat/{system}/nosuch", json=body)
    wrong_method = await api.put(f"/compat/{system}{path}", json=body)
    for answer, status in ((without_key, 401), (nowhere, 404), (wrong_method, 405)):
        assert answer.status_code == status
        told = answer.json()
        if system == "vozagent":
            assert set(told["error"]) == {"code", "message"}
        else:
            assert (told["success"], type(told["error"])) == (False, str)


async def test_a_system_that_is_not_served(api: httpx.AsyncClient) -> None:
    assert (await api.get("/compat/nosuch/calls")).status_code == 404
