"""The official SDKs, in an environment of their own (`make sdks`), and what they said once."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from outdial.domain.call.placing import PlaceRequest
from outdial.providers.adapters.elevenlabs import webhook as elevenlabs
from outdial.providers.adapters.livekit import token as livekit
from outdial.providers.adapters.retell import webhook as retell
from outdial.providers.catalog import build_provider
from outdial.providers.errors import ProviderError
from outdial.providers.port import LineConfig
from tests.providers.contract.server import Answer, FarServer, Request, json_answer

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv" / "sdks" / "bin" / "python"
MISSING = f"the providers' SDKs are not installed: run `make sdks` (there is no {PYTHON})"
SECRET = "s" * 32
BODY = json.dumps({"type": "post_call_audio", "data": {}})
FORM = [["CallSid", "CA1"], ["CallStatus", "completed"]]
URL = "https://calls.example.com/hooks/main?call_id=our-1"
LINES: dict[str, dict[str, Any]] = {
    "vapi": {"phone_number_id": "0190b5c4-1111-7c3e-9d44-5f7d3c1e0009"},
    "retell": {},
    "telnyx": {"connection_id": "1293384261075731461"},
    "elevenlabs": {"phone_number_id": "phnum_1"},
    "twilio": {},
    "livekit": {"sip_trunk_id": "ST_1"},
}
CREDENTIALS = {
    "api_key": "key",
    "api_secret": SECRET,
    "auth_token": "key",
    "api_key_secret": "key",
    "account_sid": "AC1",
    "webhook_secret": SECRET,
}
ORDER = PlaceRequest(
    call_id="0190b5c4-77aa-7c3e-9d44-5f7d3c1e0001",
    to="+12025550143",
    caller_id="+12025550999",
    agent="https://agents.example.com/reminder.xml",
    attempt=1,
    variables={"first_name": "Ada"},
    ring_timeout=timedelta(seconds=25),
    max_duration=timedelta(minutes=5),
    recording=True,
    webhook_url="https://calls.example.com/hooks/main",
)


@dataclass
class Recorder:
    """A server that takes everything and keeps it, by the first part of the path."""

    requests: dict[str, list[Request]] = field(default_factory=dict)

    async def answer(self, request: Request) -> Answer:
        self.requests.setdefault(request.path.split("/")[1], []).append(request)
        return json_answer({"success": True, "message": "", "data": {}}, 201)

    def dial(self, provider: str) -> Request:
        """The request that dials: the last one with a body."""
        return [one for one in self.requests[provider] if one.body][-1]


@dataclass(frozen=True)
class Spoken:
    """What the SDKs said, and what both sides sent."""

    results: dict[str, Any]
    ours: Recorder
    theirs: Recorder


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def spoken() -> AsyncIterator[Spoken]:
    if not PYTHON.exists():
        pytest.skip(MISSING)
    ours, theirs = Recorder(), Recorder()
    async with FarServer(ours.answer) as here, FarServer(theirs.answer) as there:
        for name in LINES:
            await _place(name, f"{here.base_url}/{name}")
        given = {
            "base_url": there.base_url,
            "orders": {name: _body(ours.dial(name)) for name in LINES},
            "signatures": _signatures(),
        }
        yield Spoken(await _drive(given), ours, theirs)


async def _place(name: str, base_url: str) -> None:
    line = LineConfig(name="main", base_url=base_url, credentials=CREDENTIALS, options=LINES[name])
    provider = build_provider(name, line)
    with contextlib.suppress(ProviderError):  # the answer is none of the provider's
        await provider.place(ORDER)
    await provider.aclose()


def _body(request: Request) -> Any:
    kind = request.headers.get("content-type", "")
    return request.json if "json" in kind else request.form


def _signatures() -> dict[str, Any]:
    now = datetime.now(UTC)
    milliseconds = int(now.timestamp() * 1000)
    return {
        "body": BODY,
        "secret": SECRET,
        "form": FORM,
        "url": URL,
        "ms": milliseconds,
        "sha256": base64.b64encode(hashlib.sha256(BODY.encode()).digest()).decode(),
        "retell": retell.sign(SECRET, BODY.encode(), milliseconds),
        "elevenlabs": elevenlabs.sign(SECRET, BODY.encode(), int(now.timestamp())),
        "livekit": livekit.mint("key", SECRET, {"sip": {"call": True}}, now),
    }


async def _drive(given: dict[str, Any]) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        str(PYTHON),
        str(Path(__file__).with_name("driver.py")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(json.dumps(given).encode())
    assert process.returncode == 0, err.decode()[-3000:]
    results: dict[str, Any] = json.loads(out)
    return results
