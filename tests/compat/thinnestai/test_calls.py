"""Calls over thinnestAI's voice API: dialed, scheduled, looked at, ended."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from outdial.services.accounts import directory
from outdial.services.accounts.directory import PHONE_NUMBERS
from outdial.services.calls import calls
from tests.builders import phone
from tests.compat.receiver import customer_server
from tests.compat.server import until_status
from tests.compat.thinnestai.conftest import ORDER, VERIFIED, dial
from tests.e2e.engine import Engine
from tests.waiting import until

OVER = ("completed", "failed", "no_answer", "busy")


async def test_27_the_sample_is_taken(http: httpx.AsyncClient) -> None:
    answer = await http.post("/voice/outbound/dial", json=ORDER)
    assert answer.status_code == 200
    made = answer.json()
    assert isinstance(made["call_id"], str)
    named = ("status", "agent_id", "to_number", "from_number")
    assert [made[name] for name in named] == [
        "initiating",
        "agent_xyz",
        "+14155551234",
        "+18005551234",
    ]
    assert made["created_at"].endswith("Z")


async def test_27_it_is_dialed_once_as_it_was_ordered(
    at_work: Engine, http: httpx.AsyncClient
) -> None:
    made = await dial(http, to_number=phone(1))
    await until_status(http, f"/voice/status/{made['call_id']}", *OVER)
    (call,) = [
        call
        for call in at_work.network.simulation.network.calls.values()
        if call.order.to == phone(1)
    ]
    order = call.order
    assert (order.agent, order.caller, order.recording) == ("agent_xyz", "+18005551234", True)
    assert order.variables == {"customer_name": "Jane Doe", "order_id": "ORD-123"}
    assert order.max_duration_s == 300


@pytest.mark.parametrize("missing", ["agent_id", "to_number", "from_number"])
async def test_28_required_fields(http: httpx.AsyncClient, missing: str) -> None:
    order = {name: value for name, value in ORDER.items() if name != missing}
    answer = await http.post("/voice/outbound/dial", json=order)
    assert answer.status_code == 400
    assert answer.json().keys() == {"detail", "status"}
    assert answer.json()["status"] == 400
    assert missing in answer.json()["detail"]


async def test_28_a_number_that_is_not_verified(http: httpx.AsyncClient) -> None:
    answer = await http.post("/voice/outbound/dial", json=ORDER | {"from_number": "+18005559999"})
    assert (answer.status_code, answer.json()["status"]) == (400, 400)
    assert "not verified" in answer.json()["detail"]


async def test_29_a_call_lasts_ten_minutes_at_most_by_default(
    at_work: Engine, http: httpx.AsyncClient
) -> None:
    order = {name: value for name, value in ORDER.items() if name != "max_duration"}
    made = (await http.post("/voice/outbound/dial", json=order)).json()
    view = await calls.get_call(at_work.ctx, made["call_id"])
    assert view.max_duration == timedelta(seconds=600)
    shown = (await http.get(f"/voice/sessions/{made['call_id']}")).json()
    assert shown["max_duration"] == 600


async def test_30_not_dialed_before_its_time(at_work: Engine, http: httpx.AsyncClient) -> None:
    made = await dial(http, to_number=phone(2), scheduled_at="2026-12-01T15:00:00Z")
    assert made["scheduled_at"] == "2026-12-01T15:00:00Z"
    before = await dial(http, to_number=phone(3))
    await until_status(http, f"/voice/status/{before['call_id']}", *OVER)
    assert phone(2) not in at_work.called()
    view = await calls.get_call(at_work.ctx, made["call_id"])
    assert view.scheduled_at is not None
    assert view.scheduled_at.isoformat() == "2026-12-01T15:00:00+00:00"


async def test_30_a_time_without_an_offset_is_in_utc(http: httpx.AsyncClient) -> None:
    made = await dial(http, to_number=phone(21), scheduled_at="2026-12-01T15:00:00")
    assert made["scheduled_at"] == "2026-12-01T15:00:00Z"


async def test_optional_fields_may_be_null_and_numbers_are_whole(http: httpx.AsyncClient) -> None:
    optional = ("context", "max_duration", "recording", "scheduled_at", "webhook_url")
    made = await dial(http, **dict.fromkeys(optional), to_number=phone(22))
    shown = (await http.get(f"/voice/sessions/{made['call_id']}")).json()
    assert (shown["max_duration"], type(shown["max_duration"])) == (600, int)
    assert shown["from_number"] == VERIFIED, "before the call is placed too"
    whole = await dial(http, to_number=phone(23), max_duration=300.0)
    path = f"/voice/sessions/{whole['call_id']}"
    over = await until_status(http, path, *OVER)
    assert (over["max_duration"], type(over["duration"])) == (300, int)
    for wrong in (300.5, "300", True, 0):
        answer = await http.post("/voice/outbound/dial", json=ORDER | {"max_duration": wrong})
        assert answer.status_code == 400, wrong


async def test_28_a_number_that_may_not_be_shown(at_work: Engine, http: httpx.AsyncClient) -> None:
    """Registered, but not active, for another line, or by somebody else."""
    other = replace(at_work.ctx, tenant="somebody-else")
    await directory.add(other, PHONE_NUMBERS, {"phone": "+18005550001"})
    await directory.add(at_work.ctx, PHONE_NUMBERS, {"phone": "+18005550002", "is_active": False})
    await directory.add(at_work.ctx, PHONE_NUMBERS, {"phone": "+18005550003", "line": "landline"})
    for last in (1, 2, 3):
        order = ORDER | {"from_number": f"+1800555000{last}"}
        answer = await http.post("/voice/outbound/dial", json=order)
        assert (answer.status_code, "not verified" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize(
    "wrong",
    [
        "2026-11-01T15:00:00Z",
        "tomorrow",
        "9999-12-31T23:59:59-12:00",
        1764601200,
    ],
)
async def test_30_times_that_are_none(http: httpx.AsyncClient, wrong: Any) -> None:
    answer = await http.post("/voice/outbound/dial", json=ORDER | {"scheduled_at": wrong})
    assert answer.status_code == 400
    assert "scheduled_at" in answer.json()["detail"]


async def test_32_status_by_session_and_by_call(http: httpx.AsyncClient) -> None:
    made = await dial(http, to_number=phone(4))
    assert made["session_id"] == made["call_id"]
    status = await http.get(f"/voice/status/{made['call_id']}")
    assert status.status_code == 200
    assert status.json()["status"] in ("initiating", "ringing", "in_progress", "completed")
    unknown = await http.get("/voice/status/nosuch")
    assert (unknown.status_code, unknown.json()["status"]) == (404, 404)


async def test_34_35_36_what_is_known_after_the_call(http: httpx.AsyncClient) -> None:
    made = await dial(http, to_number=phone(5))
    path = f"/voice/sessions/{made['call_id']}"
    await until_status(http, path, *OVER)

    async def analysed() -> bool:
        return bool((await http.get(path)).json()["recording_id"])

    await until(analysed, timeout=30, interval=0.1)
    shown = (await http.get(path)).json()
    assert shown["status"] == "completed"
    assert shown["context"] == ORDER["context"]
    transcript = await http.get(f"/v1/widget/transcript/{made['call_id']}")
    assert transcript.status_code == 200
    assert [turn["role"] for turn in transcript.json()["transcript"]] == ["assistant", "user"]
    recording = await http.get(f"/voice/recording/{shown['recording_id']}")
    assert recording.status_code == 200
    assert recording.headers["content-type"] == "application/json"
    assert recording.json()["recording_url"].startswith("http")
    assert (await http.get("/voice/recording/nosuch")).status_code == 404


async def test_37_ended_before_it_began(at_work: Engine, http: httpx.AsyncClient) -> None:
    made = await dial(http, to_number=phone(6), scheduled_at="2026-12-01T15:00:00Z")
    for _ in range(2):
        answer = await http.post(f"/voice/end/{made['call_id']}")
        assert answer.status_code == 200
    status = (await http.get(f"/voice/status/{made['call_id']}")).json()["status"]
    assert status == "failed"
    assert (await http.post("/voice/end/nosuch")).status_code == 404


async def test_37_hung_up(at_work: Engine, http: httpx.AsyncClient) -> None:
    network = at_work.network.simulation
    network.configure({"people": {"talk_seconds": [600, 600]}})
    made = await dial(http, to_number=phone(7))
    network_talks = f"/voice/status/{made['call_id']}"
    await until_status(http, network_talks, "in_progress")
    network.configure({"people": {"talk_seconds": [0.3, 0.6]}})
    assert (await http.post(f"/voice/end/{made['call_id']}")).status_code == 200
    await until_status(http, network_talks, *OVER)
    assert (await http.post(f"/voice/end/{made['call_id']}")).status_code == 200


async def until_dialed(at_work: Engine, http: httpx.AsyncClient, number: str) -> None:
    """Somebody is called at once."""
    await dial(http, to_number=number)

    async def dialed() -> bool:
        return number in at_work.called()

    await until(dialed, timeout=30, interval=0.05)


async def test_41_appointment_reminders(at_work: Engine, http: httpx.AsyncClient) -> None:
    """The example, whose code the page has lost: a scheduled call for each appointment, and what
    is told of them."""
    appointments = [
        ("Jane Doe", "2026-12-01", "10:00 AM", phone(8)),
        ("John Smith", "2026-12-01", "11:30 AM", phone(9)),
    ]
    at = at_work.clock() + timedelta(hours=1)
    async with customer_server("/call-events") as customer:
        made = [
            await dial(
                http,
                to_number=number,
                context={
                    "customer_name": name,
                    "appointment_date": date,
                    "appointment_time": time,
                },
                scheduled_at=at.isoformat(),
                webhook_url=customer.url,
            )
            for name, date, time, number in appointments
        ]
        assert [one["status"] for one in made] == ["initiating"] * 2
        await until_dialed(at_work, http, phone(10))
        assert not {phone(8), phone(9)} & set(at_work.called())
        at_work.clock.forward(hours=1)
        # The server's clock was not moved: whoever is called now makes the campaign look.
        await until_dialed(at_work, http, phone(11))

        async def over() -> bool:
            events = [json.loads(body) for _, body in customer.requests]
            ended = {one["call_id"] for one in events if one["event"] == "call.completed"}
            return ended == {one["call_id"] for one in made}

        await until(over, timeout=60, interval=0.1)
    dialed = {call.order.to: call for call in at_work.network.simulation.network.calls.values()}
    for name, date, time, number in appointments:
        assert dialed[number].order.variables == {
            "customer_name": name,
            "appointment_date": date,
            "appointment_time": time,
        }
    for one in made:
        view = await calls.get_call(at_work.ctx, one["call_id"])
        assert view.last is not None
        assert view.last.created_at >= at
