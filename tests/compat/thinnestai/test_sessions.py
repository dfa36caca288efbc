"""Lists, browser sessions, keys and limits of thinnestAI's voice API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest

from outdial.api.app import build_app, open_state
from outdial.providers.adapters.livekit.client import LiveKitProvider
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.providers.port import LineConfig
from outdial.services.accounts import directory
from outdial.services.accounts.directory import AGENTS
from tests.api.conftest import serving
from tests.builders import phone
from tests.compat.limits import asked_elsewhere
from tests.compat.server import NOW, customer_of, new_key, until_status
from tests.compat.thinnestai.conftest import ORDER, dial
from tests.e2e.engine import Engine

KEY, SECRET = "APIabcdef", "a-secret-of-the-length-that-livekit-makes-43"
START = {"agent_id": "agent_xyz", "context": {"user_name": "Jane", "page": "pricing"}}


async def test_31_without_a_livekit_line(http: httpx.AsyncClient) -> None:
    answer = await http.post("/voice/start", json=START)
    assert (answer.status_code, answer.json()["status"]) == (501, 501)
    assert "LiveKit" in answer.json()["detail"]


async def test_31_a_token_that_livekit_takes(at_work: Engine) -> None:
    config = LineConfig(
        name="browser",
        base_url="https://project.livekit.cloud",
        credentials={"api_key": KEY, "api_secret": SECRET},
        options={"sip_trunk_id": "ST_1"},
    )
    line = Line("browser", LiveKitProvider(config), LinePolicy(), tenant=at_work.ctx.tenant)
    ctx = replace(at_work.ctx, lines=Lines([*at_work.ctx.lines.values(), line]))
    named = {"id": "front", "name": "Front desk", "remote_id": "worker-1", "line": "browser"}
    await directory.add_agent(ctx, named)
    key = await new_key(at_work)
    headers = {"authorization": f"Bearer {key.text}"}
    async with serving(build_app(lambda: open_state(ctx, ""))) as http:
        answer = await http.post(
            "/compat/thinnestai/voice/start", json=START | {"agent_id": "front"}, headers=headers
        )
    await line.provider.aclose()
    await directory.remove(ctx, AGENTS, "front")
    assert answer.status_code == 200
    opened = answer.json()
    assert isinstance(opened["session_id"], str)
    assert opened["livekit_url"] == "wss://project.livekit.cloud"
    assert opened["websocket_url"].startswith("wss://")
    options: Any = {"verify_exp": False, "verify_nbf": False}
    claims = jwt.decode(opened["token"], SECRET, algorithms=["HS256"], issuer=KEY, options=options)
    assert claims["video"]["roomJoin"] is True
    assert claims["video"]["room"] == opened["room_name"]
    assert claims["sub"]
    assert 0 < claims["exp"] - NOW.timestamp() < timedelta(hours=1).total_seconds()
    (agent,) = claims["roomConfig"]["agents"]
    assert agent["agentName"] == "worker-1"
    assert "pricing" in agent["metadata"]


async def test_33_filters_and_pages(http: httpx.AsyncClient) -> None:
    later = "2026-12-01T15:00:00Z"
    mine = [
        (await dial(http, agent_id="lister", to_number=phone(100 + n), scheduled_at=later))
        for n in range(3)
    ]
    done = await dial(http, agent_id="lister", to_number=phone(110))
    await until_status(http, f"/voice/status/{done['call_id']}", "completed")

    async def listed(**query: Any) -> list[str]:
        answer = await http.get("/voice/sessions", params={"agent_id": "lister"} | query)
        assert answer.status_code == 200, answer.text
        return [one["session_id"] for one in answer.json()["sessions"]]

    newest_first = [done["call_id"], *(one["call_id"] for one in mine[::-1])]
    assert await listed() == newest_first
    assert await listed(limit=2, offset=1) == newest_first[1:3]
    assert await listed(status="completed") == [done["call_id"]]
    assert await listed(status="in_progress") == []
    assert await listed(start_date="2026-11-24", end_date="2026-11-24") == newest_first
    assert await listed(start_date="2026-11-25T00:00:00Z") == []
    assert await listed(end_date="2026-11-24T17:00:00+00:00") == []
    whole = (await http.get("/voice/sessions", params={"agent_id": "lister"})).json()
    assert whole["total"] == 4


async def test_33_no_page_is_longer_than_a_hundred(http: httpx.AsyncClient) -> None:
    answer = (await http.get("/voice/sessions", params={"limit": 101})).json()
    assert answer["limit"] == 100
    assert (await http.get("/voice/sessions")).json()["limit"] == 20


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": "x"}, {"start_date": "now"}])
async def test_33_what_cannot_be_asked(http: httpx.AsyncClient, wrong: dict[str, Any]) -> None:
    answer = await http.get("/voice/sessions", params=wrong)
    assert (answer.status_code, answer.json()["status"]) == (400, 400)


Ask = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]
LIMITED: list[tuple[int, Ask]] = [
    (10, lambda http: http.post("/voice/outbound/dial", json=ORDER | {"from_number": "+1202"})),
    (30, lambda http: http.post("/voice/start", json=START)),
    (60, lambda http: http.get("/voice/status/nosuch")),
    (30, lambda http: http.get("/voice/sessions")),
]


@pytest.mark.parametrize(("allowed", "ask"), LIMITED, ids=["dial", "start", "status", "list"])
async def test_39_limits_by_kind(
    at_work: Engine, http: httpx.AsyncClient, allowed: int, ask: Ask
) -> None:
    answers = [await ask(http)]
    await asked_elsewhere(at_work.ctx.database, allowed - 2, "thinnestai/%/key/%")
    answers += [await ask(http) for _ in range(3)]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers[1:]] == ["1", "0", "0"]
    assert 429 not in {answer.status_code for answer in answers[:-1]}
    assert answers[0].headers["x-ratelimit-limit"] == str(allowed)
    assert answers[0].headers["x-ratelimit-remaining"] == str(allowed - 1)
    assert int(answers[0].headers["x-ratelimit-reset"]) > NOW.timestamp()
    last = answers[-1]
    assert (last.status_code, last.json()["status"]) == (429, 429)
    assert 0 < int(last.headers["retry-after"]) <= 60
    async with customer_of(at_work, "thinnestai") as another:
        assert (await ask(another)).status_code != 429


PATHS = [
    ("POST", "/voice/outbound/dial"),
    ("POST", "/voice/start"),
    ("GET", "/voice/status/x"),
    ("GET", "/voice/sessions"),
    ("GET", "/voice/sessions/x"),
    ("GET", "/v1/widget/transcript/x"),
    ("GET", "/voice/recording/x"),
    ("POST", "/voice/end/x"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_40_nobody_without_a_key(at_work: Engine, method: str, path: str) -> None:
    body = ORDER if method == "POST" else None
    async with customer_of(at_work, "thinnestai", key="wrong") as http:
        wrong = await http.request(method, path, json=body)
        none = await http.request(method, path, json=body, headers={"authorization": ""})
    for answer in (wrong, none):
        assert (answer.status_code, answer.json()["status"]) == (401, 401)
        assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nosuch", 404), ("DELETE", "/voice/sessions", 405)]
)
async def test_76_the_envelope_is_its_own(
    http: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await http.request(method, path)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.json().keys() == {"detail", "status"}
