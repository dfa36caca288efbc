"""Calls under way on lines of several platforms, and their agents' way to us over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest_asyncio

from outdial.api.app import open_state
from outdial.domain.appointment.appointment import AppointmentStatus
from outdial.providers.catalog import build_provider
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.providers.port import LineConfig
from outdial.resources.resources import Resources
from outdial.store.db.database import Database
from tests.api.applications import application
from tests.api.conftest import serving
from tests.appointments import list_appointments
from tests.builders import House
from tests.services.world import no_temporal

SECRET = "tool-secret"
CALENDAR = {"name": "clinic", "time_zone": "America/New_York"}
AT = "2026-03-05T10:30"
START = datetime(2026, 3, 5, 15, 30, tzinfo=UTC)
CREDENTIALS = {"api_key": "key", "webhook_secret": SECRET, "tool_secret": SECRET}
OPTIONS = {
    "vapi": {"phone_number_id": "p"},
    "retell": {},
    "elevenlabs": {"agent_phone_number_id": "p"},
    "simulated": {},
}


@dataclass
class Desk:
    """Calls under way, and their agents' line to us."""

    house: House
    http: httpx.AsyncClient
    calls: int = 0

    def call(self, line: str = "simulated", **changes: Any) -> str:
        self.calls += 1
        self.house.line(line)
        keys: dict[str, Any] = {"calendar": CALENDAR, "line": line, "retry": {"max_attempts": 3}}
        campaign = self.house.launch(
            name=f"c{self.calls}", first=self.calls * 10, **(keys | changes)
        )
        call_id = self.house.claim_one(campaign).call_id
        self.house.place(call_id)
        return call_id

    async def ask(self, tool: str, call_id: str, id: str | None = None, **arguments: Any) -> Any:
        body = {"call_id": call_id, "arguments": arguments} | ({"tool_call_id": id} if id else {})
        return (await self.post("simulated", body, tool=tool)).json()

    async def post(
        self, line: str, body: Any, *, tool: str | None = None, headers: Any = None
    ) -> httpx.Response:
        path = f"/tools/{line}" + (f"/{tool}" if tool else "")
        return await self.http.post(
            path, content=json.dumps(body), headers=headers or {"x-outdial-secret": SECRET}
        )

    def starts(self, *statuses: AppointmentStatus) -> list[datetime]:
        now = self.house.now
        appointments = self.house.write(
            lambda s: list_appointments(
                s,
                "default",
                "clinic",
                start=now,
                end=now + timedelta(days=99),
                every_status=True,
            )
        )
        states = statuses or (AppointmentStatus.BOOKED,)
        return [each.starts_at for each in appointments if each.status in states]


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database: Database) -> AsyncIterator[Desk]:
    house = House(database)
    lines = Lines(
        [
            Line(
                name,
                build_provider(
                    name, LineConfig(name=name, credentials=CREDENTIALS, options=options)
                ),
                LinePolicy(),
            )
            for name, options in OPTIONS.items()
        ]
    )
    ctx = Resources(database, await no_temporal(), lines, lambda: house.now)
    with application(lambda: open_state(ctx, "")) as app:
        async with serving(app) as http:
            yield Desk(house, http)
