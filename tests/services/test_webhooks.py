"""What follows a stored webhook: who is told, and who is left in peace."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session
from temporalio.api.enums.v1 import EventType

from outdial.contracts.names import campaign_workflow_id
from outdial.domain.call.claim import ClaimedCall
from outdial.domain.call.event import CallEnd, CallEvent
from outdial.domain.call.status import CallStatus, FailureClass
from outdial.services.webhooks.webhooks import EventWriter, WebhookReceiver
from outdial.store.call import calls, events, settlement
from outdial.store.call.events import StoredEvents
from outdial.store.db.database import Database
from outdial.store.db.errors import DatabaseUnavailable
from tests.builders import House, event
from tests.services.world import NOW, World, simulated_lines, webhook


async def end(world: World, call: ClaimedCall) -> None:
    """The call is over, and its analysis is awaited."""
    ended = CallEnd(
        status=CallStatus.COMPLETED, at=world.clock.now, analysis_wait=timedelta(seconds=30)
    )
    await world.ctx.database.write(
        lambda s: settlement.end_call(s, call.call_id, ended, now=world.clock.now)
    )


async def listen(world: World, call: ClaimedCall) -> str:
    """A run in the campaign's place that shows what it is told."""
    workflow_id = campaign_workflow_id(call.tenant, call.campaign)
    await world.ctx.temporal.start_workflow("Any", id=workflow_id, task_queue="nobody")
    return workflow_id


async def signals_of(world: World, workflow_id: str) -> list[str]:
    history = await world.ctx.temporal.get_workflow_handle(workflow_id).fetch_history()
    return [
        each.workflow_execution_signaled_event_attributes.signal_name
        for each in history.events
        if each.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    ]


async def analyzed(world: World, call: ClaimedCall) -> None:
    headers, body = webhook(call.call_id, "analyzed", at=NOW, disposition="booked")
    received = await world.receive_webhook("simulated", headers, body, "http://x/hooks")
    assert received.new == 1


async def test_an_analysis_that_settles_wakes_a_waiting_campaign(world: World) -> None:
    call = await world.place_call()
    campaign = await listen(world, call)
    await end(world, call)
    await analyzed(world, call)
    record = await world.ctx.database.read(lambda s: calls.get_call(s, call.call_id))
    assert record is not None
    assert (record.outcome, record.settled_at) == ("booked", NOW)
    assert await signals_of(world, campaign) == ["nudge"]


async def test_a_campaign_with_calls_in_flight_is_left_in_peace(world: World) -> None:
    """The end of the next call wakes it anyway; a nudge for each would double its history."""
    first, _second = await world.place_calls(2)
    campaign = await listen(world, first)
    await end(world, first)
    await analyzed(world, first)
    assert await signals_of(world, campaign) == []


async def test_an_analysis_before_the_end_tells_nobody(world: World) -> None:
    call = await world.place_call()
    campaign = await listen(world, call)
    await analyzed(world, call)
    record = await world.ctx.database.read(lambda s: calls.get_call(s, call.call_id))
    assert record is not None
    assert record.disposition == "booked"
    assert record.settled_at is None
    assert await signals_of(world, campaign) == []


async def test_a_webhook_about_nothing_of_ours_is_taken(world: World) -> None:
    headers, body = webhook("nobody" * 5, "pondering")
    received = await world.receive_webhook("simulated", headers, body, "http://x/hooks")
    assert (received.stored, received.new) == (0, 0)


async def test_a_failure_to_mark_signalled_events_is_not_the_end_of_marking(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = await world.place_call()
    tries: list[object] = []

    def mark(_: object, keys: object, **__: object) -> None:
        tries.append(keys)
        if len(tries) == 1:
            raise RuntimeError("a defect")

    monkeypatch.setattr("outdial.services.webhooks.webhooks.FLUSH_SECONDS", 0.01)
    monkeypatch.setattr("outdial.services.webhooks.webhooks.events.mark_signalled", mark)
    async with WebhookReceiver(world.ctx) as receiver:
        for count, kind in enumerate(("ringing", "in_progress"), start=1):
            headers, body = webhook(call.call_id, kind, at=NOW)
            await receiver.receive("simulated", headers, body, "http://x/hooks")
            async with asyncio.timeout(10):
                while len(tries) < count:
                    await asyncio.sleep(0.01)


async def test_webhooks_that_arrive_together_share_a_transaction(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is answered with its own events, whose workflow is signalled once."""
    first, second = await world.place_calls(2)
    transactions: list[int] = []
    store_events = events.store_events

    def counted(s: Session, line: str, reported: Sequence[CallEvent], **more: Any) -> StoredEvents:
        transactions.append(len(reported))
        return store_events(s, line, reported, **more)

    monkeypatch.setattr("outdial.services.webhooks.webhooks.events.store_events", counted)
    sent = [(call, kind) for kind in ("ringing", "in_progress") for call in (first, second)]
    sent.append((first, "ringing"))
    async with WebhookReceiver(world.ctx) as receiver:
        received = await asyncio.gather(
            *(
                receiver.receive("simulated", *webhook(call.call_id, kind, at=NOW), "http://x")
                for call, kind in sent
            )
        )
    assert [(each.stored, each.new) for each in received] == [(1, 1)] * 4 + [(1, 0)]
    assert transactions == [1, 4] or transactions == [5]
    for call in (first, second):
        record = await world.ctx.database.read(lambda s, call=call: calls.get_call(s, call.call_id))  # type: ignore[misc]
        assert record is not None
        assert record.status is CallStatus.IN_PROGRESS


async def test_one_webhook_that_cannot_be_stored_refuses_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = await world.place_calls(2)
    store_events = events.store_events

    def defective(
        s: Session, line: str, reported: Sequence[CallEvent], **more: Any
    ) -> StoredEvents:
        if any(each.call_id == bad.call_id for each in reported):
            raise RuntimeError("a defect")
        return store_events(s, line, reported, **more)

    monkeypatch.setattr("outdial.services.webhooks.webhooks.events.store_events", defective)
    async with WebhookReceiver(world.ctx) as receiver:
        outcomes = await asyncio.gather(
            *(
                receiver.receive("simulated", *webhook(call.call_id, kind, at=NOW), "http://x")
                for kind in ("ringing", "in_progress")
                for call in (good, bad)
            ),
            return_exceptions=True,
        )
    assert [isinstance(each, RuntimeError) for each in outcomes] == [False, True, False, True]
    stored = await world.ctx.database.read(lambda s: events.events_of_call(s, good.call_id))
    assert {each.status for each in stored} == {CallStatus.RINGING, CallStatus.IN_PROGRESS}


async def test_without_a_database_every_webhook_is_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = await world.place_call()
    tries: list[int] = []

    def down(_s: Session, _line: str, reported: Sequence[CallEvent], **_: Any) -> StoredEvents:
        tries.append(len(reported))
        raise DatabaseUnavailable("down")

    monkeypatch.setattr("outdial.services.webhooks.webhooks.events.store_events", down)
    async with WebhookReceiver(world.ctx) as receiver:
        outcomes = await asyncio.gather(
            *(
                receiver.receive("simulated", *webhook(call.call_id, kind, at=NOW), "http://x")
                for kind in ("ringing", "in_progress", "completed")
            ),
            return_exceptions=True,
        )
    assert [type(each) for each in outcomes] == [DatabaseUnavailable] * 3
    assert sum(tries) in (1, 3), "none is tried again by us, or waits for one that was"


async def test_a_defect_behind_the_commit_does_not_end_the_storing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = await world.place_call()
    monkeypatch.setattr("outdial.services.webhooks.webhooks._parts", lambda *_: [])
    async with WebhookReceiver(world.ctx) as receiver, asyncio.timeout(20):
        outcomes = await asyncio.gather(
            *(
                receiver.receive("simulated", *webhook(call.call_id, kind, at=NOW), "http://x")
                for kind in ("ringing", "in_progress", "completed")
            ),
            return_exceptions=True,
        )
        assert [type(each) for each in outcomes] == [ValueError] * 3
        monkeypatch.undo()
        headers, body = webhook(call.call_id, "ringing", at=NOW)
        received = await receiver.receive("simulated", headers, body, "http://x")
    assert received.stored == 1


async def test_a_withdrawn_call_belongs_to_the_webhook_that_withdrew_it(
    database: Database,
) -> None:
    """Whichever webhook is the first: only if all of its own was passed on is it marked so."""
    house = House(database)
    house.line()
    first = house.launch(1, "first", first=9)
    other_call = house.claim_one(first).call_id
    house.fence(other_call)
    campaign = house.launch(1)
    refused = house.claim_one(campaign).call_id
    house.fence(refused)
    house.write(
        lambda s: calls.record_not_placed(
            s, refused, failure=FailureClass.UNAVAILABLE, detail="503", now=house.now
        )
    )
    house.end(refused, CallStatus.FAILED, failure=FailureClass.UNAVAILABLE, may_have_rung=False)
    house.later(minutes=1)
    withdrawn = house.claim_one(house.launch(1, "rival")).call_id
    line = simulated_lines()["simulated"]
    writer = EventWriter(database)
    reported = [
        event("e1", call_id=other_call, status="ringing"),
        event("e2", call_id=refused, provider_call_id="p-2", status="ringing"),
    ]
    other, own = await asyncio.gather(*(writer.store(line, [one], house.now) for one in reported))
    await writer.finish()
    assert other.settled == []
    assert [each.call_id for each in own.settled] == [refused, withdrawn]


async def test_storing_that_was_cancelled_answers_all_and_begins_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = await world.place_call()
    writer = EventWriter(world.ctx.database)
    line = world.ctx.lines["simulated"]
    reported = [event(call_id=call.call_id, status=CallStatus.RINGING)]
    monkeypatch.setattr(world.ctx.database, "write", lambda _: asyncio.Event().wait())
    async with asyncio.timeout(20):
        stored = asyncio.create_task(writer.store(line, reported, NOW))
        begun: asyncio.Task[None] | None = None
        while begun is None:
            await asyncio.sleep(0)
            (begun,) = [queue.task for queue in writer._queues.values()] or [None]
        waits = asyncio.create_task(writer.store(line, reported, NOW))
        await asyncio.sleep(0)
        begun.cancel()
        outcomes = await asyncio.gather(stored, waits, return_exceptions=True)
        assert [type(each) for each in outcomes] == [DatabaseUnavailable] * 2
        monkeypatch.undo()
        assert len((await writer.store(line, reported, NOW)).new) == 1


@pytest.mark.parametrize("count", [1, 2])
async def test_a_call_that_stays_locked_refuses_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Its own webhooks wait for it once. With a second such call, what is left is refused."""
    free, one, other = await world.place_calls(3)
    locked = {call.call_id for call in (one, other)[:count]}
    tries: list[int] = []
    store_events = events.store_events

    def waits(s: Session, line: str, reported: Sequence[CallEvent], **more: Any) -> StoredEvents:
        tries.append(len(reported))
        if any(each.call_id in locked for each in reported):
            raise DatabaseUnavailable("locked", rows_locked=True)
        return store_events(s, line, reported, **more)

    monkeypatch.setattr("outdial.services.webhooks.webhooks.events.store_events", waits)
    sent = [(free, "ringing"), (one, "ringing"), (one, "in_progress"), (other, "ringing")]
    sent.append((free, "in_progress"))
    async with WebhookReceiver(world.ctx) as receiver:
        outcomes = await asyncio.gather(
            *(
                receiver.receive("simulated", *webhook(call.call_id, kind, at=NOW), "http://x")
                for call, kind in sent
            ),
            return_exceptions=True,
        )
    refused = [isinstance(each, DatabaseUnavailable) for each in outcomes]
    if count == 1:
        assert refused == [False, True, True, False, False]
    else:
        assert refused == [False, True, True, True, True]
    first = tries.index(max(tries))
    assert tries[first + 1 :] == [1] * (len(tries) - first - 1)
    assert len(tries) <= 5
