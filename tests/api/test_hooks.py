"""Webhooks over real HTTP: who is believed, what is stored, who is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from temporalio.api.enums.v1 import EventType

from outdial.api.bodies import MAX_BODY
from outdial.contracts.names import TASK_QUEUE
from outdial.domain.call.status import CallStatus
from outdial.store.call import calls, events
from tests.services.world import NOW, World, webhook
from tests.waiting import until

HOOK = "/hooks/simulated"


async def unsignalled(world: World) -> int:
    later = NOW + timedelta(days=1)
    rows = await world.ctx.database.read(
        lambda s: events.unsignalled_events(s, before=later, limit=10)
    )
    return len(rows)


async def start_listener(world: World, workflow_id: str) -> None:
    """A run that nobody carries out: its history shows what it was told."""
    await world.ctx.temporal.start_workflow(
        "Anything", id=workflow_id, task_queue=f"no-{TASK_QUEUE}"
    )


async def signals_of(world: World, workflow_id: str) -> list[str]:
    history = await world.ctx.temporal.get_workflow_handle(workflow_id).fetch_history()
    return [
        event.workflow_execution_signaled_event_attributes.signal_name
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    ]


async def test_a_signed_report_is_stored_and_passed_on(
    api: httpx.AsyncClient, world: World
) -> None:
    call = await world.place_call()
    await start_listener(world, call.workflow_id)
    headers, body = webhook(call.call_id, "ringing")
    answer = await api.post(HOOK, headers=headers, content=body)
    assert (answer.status_code, answer.json()) == (200, {"stored": 1, "new": 1})
    record = await world.ctx.database.read(lambda s: calls.get_call(s, call.call_id))
    assert record is not None
    assert record.status is CallStatus.RINGING
    assert record.provider_call_id == f"sim_{call.call_id[:8]}"
    assert await signals_of(world, call.workflow_id) == ["report"]


async def test_a_repeated_report_is_told_once(api: httpx.AsyncClient, world: World) -> None:
    call = await world.place_call()
    await start_listener(world, call.workflow_id)
    headers, body = webhook(call.call_id, "ringing")
    await api.post(HOOK, headers=headers, content=body)
    answer = await api.post(HOOK, headers=headers, content=body)
    assert (answer.status_code, answer.json()) == (200, {"stored": 1, "new": 0})
    assert await signals_of(world, call.workflow_id) == ["report"]


async def test_a_report_for_a_workflow_that_is_gone_is_done_with(
    api: httpx.AsyncClient, world: World
) -> None:
    call = await world.place_call()
    headers, body = webhook(call.call_id, "ringing")
    assert (await api.post(HOOK, headers=headers, content=body)).status_code == 200

    async def marked() -> bool:
        return await unsignalled(world) == 0

    await until(marked)


async def refused(api: httpx.AsyncClient, headers: dict[str, str], body: bytes) -> None:
    answer = await api.post(HOOK, headers=headers, content=body)
    assert answer.status_code == 401
    assert answer.json()["error"] == "webhook_refused"


async def test_an_unsigned_report_is_refused(api: httpx.AsyncClient, world: World) -> None:
    call = await world.place_call()
    _, body = webhook(call.call_id, "ringing")
    await refused(api, {}, body)
    record = await world.ctx.database.read(lambda s: calls.get_call(s, call.call_id))
    assert record is not None
    assert record.status is CallStatus.QUEUED


async def test_a_report_signed_by_somebody_else_is_refused(
    api: httpx.AsyncClient, world: World
) -> None:
    headers, body = webhook("a" * 32, "ringing", secret="whsec_c29tZWJvZHkgZWxzZQ==")
    await refused(api, headers, body)


async def test_a_changed_report_is_refused(api: httpx.AsyncClient, world: World) -> None:
    headers, body = webhook("a" * 32, "ringing")
    await refused(api, headers, body.replace(b"ringing", b"completed"))


async def test_a_stale_report_is_refused(api: httpx.AsyncClient, world: World) -> None:
    headers, body = webhook("a" * 32, "ringing", signed_at=NOW - timedelta(minutes=6))
    await refused(api, headers, body)


async def test_an_unknown_line_is_not_found(api: httpx.AsyncClient, world: World) -> None:
    headers, body = webhook("a" * 32, "ringing")
    answer = await api.post("/hooks/nobody", headers=headers, content=body)
    assert answer.status_code == 404
    assert answer.json() == {"error": "unknown_line", "message": "no line 'nobody' is configured"}


async def test_a_report_that_is_too_large_is_not_read(api: httpx.AsyncClient) -> None:
    answer = await api.post(HOOK, content=b"x" * (MAX_BODY + 1))
    assert answer.status_code == 413


async def test_a_report_that_hides_its_size_is_cut_off(api: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY // 50_000 + 2):
            yield b"x" * 50_000

    answer = await api.post(HOOK, content=chunks())
    assert answer.status_code == 413


async def test_without_a_database_the_provider_is_asked_to_send_again(
    api_without_database: httpx.AsyncClient,
) -> None:
    headers, body = webhook("a" * 32, "ringing")
    answer = await api_without_database.post(HOOK, headers=headers, content=body)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "nobody" not in answer.text, "how the database is reached is nobody's business"


async def test_without_temporal_a_report_is_kept_for_the_sweeper(
    api_without_temporal: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outdial.dispatch.signals.SIGNAL_WITHIN", timedelta(milliseconds=200))
    call = await world.place_call()
    headers, body = webhook(call.call_id, "ringing")
    answer = await api_without_temporal.post(HOOK, headers=headers, content=body)
    assert answer.status_code == 200
    assert await unsignalled(world) == 1
