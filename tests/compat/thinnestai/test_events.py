"""Events of a call at the URL that its dial request named."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.builders import phone
from tests.compat.receiver import customer_server
from tests.compat.thinnestai.conftest import dial
from tests.e2e.engine import Engine
from tests.waiting import until

ANSWERED = ["call.initiating", "call.ringing", "call.in_progress", "call.completed"]
NOT_ANSWERED = ["call.initiating", "call.ringing", "call.no_answer"]
FAILING = ["call.initiating", "call.failed"]


@pytest.mark.parametrize(
    ("number", "behaviour", "events"),
    [
        (phone(501), "answer", ANSWERED),
        (phone(502), "not_in_service", FAILING),
        (phone(503), "no_answer", NOT_ANSWERED),
    ],
)
async def test_38_a_call_tells_what_becomes_of_it(
    at_work: Engine, http: httpx.AsyncClient, number: str, behaviour: str, events: list[str]
) -> None:
    people = {"overrides": {number: [behaviour]}, "time_scale": 100.0}
    at_work.network.simulation.configure({"people": people})
    async with customer_server("/call-events") as customer:
        made = await dial(http, to_number=number, webhook_url=customer.url)

        async def delivered() -> bool:
            return len(customer.requests) >= len(events)

        await until(delivered, timeout=30)
    bodies = [json.loads(body) for _, body in customer.requests]
    assert [body["event"] for body in bodies] == events
    assert {body["call_id"] for body in bodies} == {made["call_id"]}
    assert all(body["status"] and body["timestamp"] for body in bodies)
