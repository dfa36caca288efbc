"""What BuildVoiceAI's customers are told of their calls (rows 9 and 10)."""

from __future__ import annotations

from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

from tests.compat.whole import client_of, people, until_true
from tests.e2e.engine import Engine
from tests.receiver import Receiver

FIELDS = {
    "event", "call_id", "agent_id", "agent_name", "direction", "phone_number", "duration_seconds",
    "started_at", "ended_at", "sentiment", "summary", "transcript", "metadata", "status",
    "from_number", "to_number", "cost_cents", "recording_url",
}  # fmt: skip
"""Of both renditions of the page."""


async def test_row_10_calls_start_complete_and_fail(
    at_work: Engine, key: str, customer: Receiver
) -> None:
    ours = client_of(f"{at_work.api}/v1", key)
    target = {"url": customer.url, "scheme": "buildvoiceai"}
    endpoint = (await ours.post("/endpoints", target)).json()
    client = client_of(f"{at_work.api}/compat/buildvoiceai/api/v1", key)
    metadata = {"order": 4711, "tags": ["a"]}
    calls: dict[str, str] = {}
    with people(at_work, overrides={"+14155550192": ["busy"]}):
        for number in ("+14155550191", "+14155550192"):
            body = {"phone_number": number, "agent_id": "front-desk", "metadata": metadata}
            calls[number] = (await client.post("/calls/trigger", body)).json()["call_id"]

        async def delivered() -> bool:
            return len(customer.taken) >= 3

        await until_true(delivered)
    events = [one.event for one in customer.taken]
    answered, busy = calls["+14155550191"], calls["+14155550192"]
    assert [one["event"] for one in events if one["call_id"] == answered] == [
        "call.started",
        "call.completed",
    ]
    (failed,) = [one for one in events if one["call_id"] == busy]
    assert (failed["event"], failed["status"]) == ("call.failed", "busy")
    assert all(set(one) >= FIELDS for one in events)
    completed = next(one for one in events if one["event"] == "call.completed")
    assert completed["metadata"] == metadata
    assert type(completed["duration_seconds"]) is int
    assert completed["agent_name"] == "front-desk"
    assert (completed["direction"], completed["phone_number"]) == ("outbound", "+14155550191")
    assert (completed["agent_id"], completed["status"]) == ("front-desk", "completed")
    assert {turn["role"] for turn in completed["transcript"]} == {"agent", "human"}
    assert completed["started_at"] <= completed["ended_at"]
    for one in customer.taken:
        assert one.headers["content-type"] == "application/json"
        # The engine's clock is not ours, so only the signature is looked at.
        verifier = Webhook(endpoint["secret"])
        at = int(one.headers["webhook-timestamp"])
        expected = verifier.sign(one.id, datetime.fromtimestamp(at, UTC), one.body.decode())
        assert one.headers["webhook-signature"] == expected
