"""What agents ask while they talk, in each platform's own form, over HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.app import build_app
from api.state import ApiState
from domain.appointment import AppointmentStatus
from domain.call import CallStatus
from domain.record import RecipientState
from providers.catalog import build_provider
from providers.lines import Line, LinePolicy, Lines
from providers.port import LineConfig
from providers.retell.webhook import sign
from services.context import ServiceContext
from services.webhooks import WebhookReceiver
from store.appointments import finding
from store.database import Database
from store.recipients import list_recipients
from store.suppressions import is_suppressed
from tests.api.conftest import serving
from tests.builders import House, phone
from tests.services.world import no_temporal

log = logging.getLogger(__name__)
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
        found = self.house.write(
            lambda s: finding.list_appointments(
                s,
                "default",
                "clinic",
                start=now,
                end=now + timedelta(days=99),
                every_status=True,
            )
        )
        wanted = statuses or (AppointmentStatus.BOOKED,)
        return [each.starts_at for each in found if each.status in wanted]


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
    ctx = ServiceContext(database, await no_temporal(), lines, lambda: house.now)

    @asynccontextmanager
    async def opened() -> AsyncIterator[ApiState]:
        async with WebhookReceiver(ctx) as webhooks:
            yield ApiState(ctx, webhooks, "")

    async with serving(build_app(opened)) as http:
        yield Desk(house, http)


async def test_a_slot_is_checked_held_and_booked(desk: Desk) -> None:
    mine, other = desk.call(), desk.call()
    checked = await desk.ask("check_availability", mine, at=AT)
    assert checked["ok"], checked
    assert checked["message"] == "Thursday, March 5 at 10:30 is free, and kept for this call."
    refused = await desk.ask("book_appointment", other, at=AT)
    assert not refused["ok"]
    assert refused["alternatives"][0] == "2026-03-05T09:30:00-05:00"
    booked = await desk.ask("book_appointment", mine, at=AT)
    assert (booked["ok"], booked["message"]) == (True, "Booked: Thursday, March 5 at 10:30.")
    assert desk.starts() == [START]


async def test_a_held_slot_is_given_up_when_the_call_ends(desk: Desk) -> None:
    mine, other = desk.call(), desk.call()
    await desk.ask("check_availability", mine, at=AT)
    assert desk.starts(AppointmentStatus.HELD) == [START]
    desk.house.end(mine)
    assert desk.starts(AppointmentStatus.HELD) == []
    assert (await desk.ask("book_appointment", other, at=AT))["ok"]


async def test_without_a_time_what_is_free_is_told_and_the_first_is_held(desk: Desk) -> None:
    told = await desk.ask("check_availability", desk.call())
    assert told["ok"]
    assert len(told["alternatives"]) == 3
    assert len(desk.starts(AppointmentStatus.HELD)) == 1


async def test_the_same_question_is_answered_once(desk: Desk) -> None:
    call = desk.call()
    answers = await asyncio.gather(
        *(desk.ask("book_appointment", call, id="t1", at=AT) for _ in range(5))
    )
    assert all(answer == answers[0] for answer in answers)
    assert desk.starts() == [START]


async def test_somebody_who_changes_their_mind_has_one_appointment(desk: Desk) -> None:
    call = desk.call()
    for at in (AT, "2026-03-05T14:00", AT, "2026-03-06T09:00"):
        assert (await desk.ask("book_appointment", call, at=at))["ok"]
    assert desk.starts() == [datetime(2026, 3, 6, 14, 0, tzinfo=UTC)]


async def test_move(desk: Desk) -> None:
    nothing = await desk.ask("move_appointment", desk.call(), at=AT)
    assert nothing["message"] == "I know of no appointment to move."
    call = desk.call()
    await desk.ask("book_appointment", call, at=AT)
    moved = await desk.ask("move_appointment", call, at="2026-03-05T14:00")
    assert moved["ok"]
    assert desk.starts() == [datetime(2026, 3, 5, 19, 0, tzinfo=UTC)]


async def test_opting_out_holds_at_once(desk: Desk) -> None:
    call = desk.call()
    assert (await desk.ask("opt_out", call))["ok"]
    number = phone(desk.calls * 10)
    assert desk.house.write(lambda s: is_suppressed(s, "default", number)) == "opted out in a call"
    assert desk.house.end(call).outcome == "opted_out"


async def test_call_me_later(desk: Desk) -> None:
    call = desk.call()
    assert not (await desk.ask("call_me_later", call, at="2026-03-04T09:00"))["ok"]
    assert not (await desk.ask("call_me_later", call, at="later"))["ok"]
    told = await desk.ask("call_me_later", call, at="2026-03-05T15:00")
    assert told["message"] == "We will call again on Thursday, March 5 at 15:00."
    settled = desk.house.end(call)
    assert settled.outcome == "call_me_later"
    (row,) = desk.house.write(lambda s: list_recipients(s, 1, launch=1, limit=9))
    assert row.state is RecipientState.WAITING
    assert row.not_before == datetime(2026, 3, 5, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "at", [None, "tomorrow", 12, {"x": 1}, "2026-03-05", "2026-03-05T03:00", "9999-12-31T10:00"]
)
async def test_no_time_is_guessed(desk: Desk, at: Any) -> None:
    answer = await desk.ask("book_appointment", desk.call(), at=at)
    assert not answer["ok"]
    assert answer["alternatives"]
    assert desk.starts() == []


async def test_a_call_that_is_over_or_of_another_line_or_unknown(desk: Desk) -> None:
    over, elsewhere = desk.call(), desk.call("vapi")
    desk.house.end(over, CallStatus.COMPLETED)
    for call in (over, elsewhere, "nobody"):
        answer = await desk.ask("book_appointment", call, at=AT)
        assert answer["message"] == "This call is not known, or it is over."
    assert "there are check_availability" in (await desk.ask("drop_tables", over))["message"]


async def test_a_campaign_without_a_calendar(desk: Desk) -> None:
    answer = await desk.ask("book_appointment", desk.call(calendar=None), at=AT)
    assert answer["message"] == "Appointments can't be made in this call."


async def test_vapi(desk: Desk) -> None:
    call = desk.call("vapi")
    tools = [
        {"id": "t1", "name": "check_availability", "arguments": {"at": AT}},
        {
            "id": "t2",
            "type": "function",
            "function": {"name": "book_appointment", "arguments": json.dumps({"at": AT})},
        },
    ]
    asked = {"id": "v1", "assistantOverrides": {"metadata": {"call_id": call}}}
    message = {"type": "tool-calls", "call": asked, "toolCallList": tools}
    response = await desk.post("vapi", {"message": message}, headers={"X-Vapi-Secret": SECRET})
    assert response.json() == {
        "results": [
            {
                "toolCallId": "t1",
                "result": "Thursday, March 5 at 10:30 is free, and kept for this call.",
            },
            {"toolCallId": "t2", "result": "Booked: Thursday, March 5 at 10:30."},
        ]
    }
    assert desk.starts() == [START]


async def test_retell(desk: Desk) -> None:
    call = desk.call("retell")
    body = {
        "name": "book_appointment",
        "args": {"at": AT},
        "call": {"call_id": "r1", "metadata": {"call_id": call}},
    }
    raw = json.dumps(body).encode()
    stamp = int(desk.house.now.timestamp() * 1000)
    headers = {"x-retell-signature": sign("key", raw, stamp)}
    for _ in range(2):
        answer = (await desk.post("retell", body, headers=headers)).json()
        assert answer["ok"], answer
    assert desk.starts() == [START]


async def test_elevenlabs_by_its_conversation(desk: Desk) -> None:
    call = desk.call("elevenlabs")
    body = {"system__conversation_id": f"p-{call}", "at": AT}
    answer = (await desk.post("elevenlabs", body, tool="book_appointment")).json()
    assert answer["ok"], answer
    assert desk.starts() == [START]


@pytest.mark.parametrize("line", sorted(OPTIONS))
@pytest.mark.parametrize("headers", [{}, {"x-outdial-secret": "x", "X-Vapi-Secret": "x"}])
async def test_nobody_else_may_ask(desk: Desk, line: str, headers: dict[str, str]) -> None:
    call = desk.call(line)
    body = {"tool": "opt_out", "call_id": call}
    response = await desk.post(line, body, tool="opt_out", headers={"x": "y", **headers})
    assert response.status_code == 401
    number = phone(desk.calls * 10)
    assert desk.house.write(lambda s: is_suppressed(s, "default", number)) is None


async def test_what_is_no_question(desk: Desk) -> None:
    assert (await desk.post("nowhere", {})).status_code == 404
    assert (await desk.post("simulated", [])).status_code == 401
    assert (await desk.post("simulated", {"arguments": "x"})).status_code == 401


@pytest.mark.slow
async def test_ninety_nine_in_a_hundred_are_answered_within_a_second(desk: Desk) -> None:
    """Ten questions a second, whether or not the one before was answered: what fifty agents ask
    who talk at once, of a calendar in which they get into each other's way."""
    calls = [desk.call(calendar=CALENDAR | {"capacity": 5}) for _ in range(20)]
    seconds: list[float] = []

    async def ask(nth: int, after: float) -> None:
        await asyncio.sleep(after)
        begun = time.perf_counter()
        at = f"2026-03-{5 + nth % 2:02}T{9 + nth % 7:02}:30"
        tool = ("check_availability", "book_appointment", "move_appointment")[nth % 3]
        answer = await desk.ask(tool, calls[nth % len(calls)], at=at)
        assert answer["message"]
        seconds.append(time.perf_counter() - begun)

    await asyncio.gather(*(ask(nth, nth / 10) for nth in range(100)))
    seconds.sort()
    log.info("median %.0f ms, p99 %.0f ms", 1000 * seconds[50], 1000 * seconds[98])
    assert seconds[98] < 1.0
