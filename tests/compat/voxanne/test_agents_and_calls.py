"""Agents and calls over Voxanne's API."""

from __future__ import annotations

from datetime import datetime

import httpx

from tests.builders import phone
from tests.compat.voxanne.conftest import AGENT, call_made, new_agent, until_done
from tests.e2e.engine import Engine
from tests.serving import client_at


async def test_42_a_content_type_without_a_body(http: httpx.AsyncClient) -> None:
    made = await new_agent(http)
    answer = await http.get("/api/agents", headers={"content-type": "application/json"})
    assert answer.status_code == 200
    assert made["id"] in [agent["id"] for agent in answer.json()]


async def test_43_the_sample_creates_an_agent(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/agents", json=AGENT)
    assert answer.status_code == 201
    made = answer.json()
    assert isinstance(made["id"], str)
    assert made["id"]
    assert {name: made[name] for name in AGENT} == AGENT


async def test_44_an_agent(http: httpx.AsyncClient) -> None:
    made = await new_agent(http)
    answer = await http.get(f"/api/agents/{made['id']}")
    assert (answer.status_code, answer.json()) == (200, made)
    unknown = await http.get("/api/agents/nosuch")
    assert (unknown.status_code, unknown.json()) == (404, {"error": "Agent not found"})


async def test_45_a_prompt_is_changed(http: httpx.AsyncClient) -> None:
    made = await new_agent(http)
    changed = await http.patch(f"/api/agents/{made['id']}", json={"prompt": "Be brief."})
    assert changed.status_code == 200
    after = (await http.get(f"/api/agents/{made['id']}")).json()
    assert after["prompt"] == "Be brief."
    assert (after["name"], after["tools"]) == (AGENT["name"], AGENT["tools"])


async def test_46_an_agent_is_deleted(http: httpx.AsyncClient) -> None:
    made = await new_agent(http)
    assert (await http.delete(f"/api/agents/{made['id']}")).status_code == 200
    assert (await http.get(f"/api/agents/{made['id']}")).status_code == 404
    assert (await http.delete(f"/api/agents/{made['id']}")).status_code == 404


async def test_47_the_sample_lists_calls(at_work: Engine, http: httpx.AsyncClient) -> None:
    made = await call_made(at_work, http, phone(201))
    answer = await http.get("/api/calls?limit=20&status=completed")
    assert answer.status_code == 200
    listed = answer.json()
    assert isinstance(listed, list)
    assert made.id in [call["id"] for call in listed]
    assert len(listed) <= 20
    assert {call["status"] for call in listed} == {"completed"}
    assert all({"from", "outcome"} <= call.keys() for call in listed)
    assert len((await http.get("/api/calls?limit=1")).json()) == 1
    busy = await http.get("/api/calls?status=busy")
    assert made.id not in [call["id"] for call in busy.json()]


async def test_48_49_50_what_is_known_of_a_call(at_work: Engine, http: httpx.AsyncClient) -> None:
    made = await call_made(at_work, http, phone(202))
    shown = await http.get(f"/api/calls/{made.id}")
    assert shown.status_code == 200
    assert (shown.json()["id"], shown.json()["outcome"]) == (made.id, "completed")
    transcript = await http.get(f"/api/calls/{made.id}/transcript")
    assert transcript.status_code == 200
    assert [turn["role"] for turn in transcript.json()["messages"]] == ["assistant", "user"]
    recorded = await http.get(f"/api/calls/{made.id}/recording")
    assert recorded.json()["recordingUrl"].startswith("http")
    for path in ("", "/transcript", "/recording"):
        unknown = await http.get(f"/api/calls/nosuch{path}")
        assert (unknown.status_code, unknown.json()) == (404, {"error": "Call not found"})


async def test_50_a_recording(at_work: Engine, http: httpx.AsyncClient) -> None:
    headers = {"authorization": http.headers["authorization"]}
    order = {
        "to": phone(203),
        "agent": "recorded",
        "schedule": {"hours": "00:00-24:00"},
        "recording": True,
    }
    async with client_at(at_work.api, headers=headers) as own:
        made = (await own.post("/v1/calls", json=order)).json()
    await until_done(at_work, made["id"])
    answer = await http.get(f"/api/calls/{made['id']}/recording")
    assert answer.status_code == 200
    recording = answer.json()
    assert recording["recordingUrl"].startswith("http")
    assert recording["expiresIn"] == 3600
    assert datetime.fromisoformat(recording["expiresAt"]) > at_work.clock()
