"""The same questions in each platform's own form, and nobody else's."""

from __future__ import annotations

import json

import pytest

from outdial.providers.adapters.retell.webhook import sign
from outdial.store.compliance.suppressions import is_suppressed
from tests.api.desk import AT, OPTIONS, SECRET, START, Desk, desk
from tests.builders import phone

__all__ = ["desk"]


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
    metadata = {"id": "v1", "assistantOverrides": {"metadata": {"call_id": call}}}
    message = {"type": "tool-calls", "call": metadata, "toolCallList": tools}
    response = await desk.post("vapi", {"message": message}, headers={"X-Vapi-Secret": SECRET})
    assert response.json() == {
        "results": [
            {
                "name": "check_availability",
                "toolCallId": "t1",
                "result": "Thursday, March 5 at 10:30 is free, and kept for this call.",
            },
            {
                "name": "book_appointment",
                "toolCallId": "t2",
                "result": "Booked: Thursday, March 5 at 10:30.",
            },
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


@pytest.mark.parametrize("whole", [True, False])
async def test_retell_with_arguments_at_the_root(desk: Desk, whole: bool) -> None:
    call = desk.call("retell")
    about = {"call": {"call_id": f"p-{call}", "metadata": {"call_id": call}}}
    body = {"at": AT, **(about if whole else {"call_id": f"p-{call}"})}
    raw = json.dumps(body).encode()
    stamp = int(desk.house.now.timestamp() * 1000)
    headers = {"x-retell-signature": sign("key", raw, stamp)}
    answer = (await desk.post("retell", body, headers=headers, tool="book_appointment")).json()
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
