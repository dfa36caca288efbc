"""A call whose workflow is gone ends as its provider reported, whatever a look-up knows of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from activities.sweeps import LEASE_AGE, Sweeps
from outdial.domain.call.claim import ClaimedCall
from outdial.domain.call.event import CallSnapshot
from outdial.domain.call.status import CallStatus
from outdial.providers.errors import Unavailable
from outdial.store.call import calls
from outdial.store.db.tables import event
from tests.services.world import NOW, World, webhook


async def _out_of_reach(_: str) -> None:
    raise Unavailable("nobody is there")


async def _nothing(_: str) -> None:
    return None


async def _going_on(provider_call_id: str) -> CallSnapshot:
    """What was read a moment too early: no events of an end."""
    return CallSnapshot(provider_call_id=provider_call_id, events=())


@pytest.fixture(params=["out of reach", "unknown", "behind", "never asked"])
def poor_look_up(
    request: pytest.FixtureRequest, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider that does not tell how a call ended when it is asked."""
    provider = world.ctx.lines["simulated"].provider
    answers: dict[str, Any] = {"out of reach": _out_of_reach, "behind": _going_on}
    monkeypatch.setattr(provider, "look_up", answers.get(request.param, _nothing))
    monkeypatch.setattr(provider, "end", _nothing)
    can = provider.capabilities.model_copy(update={"can_look_up": request.param != "never asked"})
    monkeypatch.setattr(provider, "capabilities", can)


async def _reported(world: World, *kinds: str) -> ClaimedCall:
    """A call of which this was reported, once its workflow had been terminated."""
    call = await world.place_call()
    gone = await world.ctx.temporal.start_workflow(
        "Nothing", id=call.workflow_id, task_queue="nobody-listens"
    )
    await gone.terminate()
    for seconds, kind in enumerate(kinds, start=1):
        at = NOW + timedelta(seconds=seconds)
        headers, body = webhook(call.call_id, kind, at=at, signed_at=NOW)
        await world.receive_webhook("simulated", headers, body, "http://testserver")
    world.clock.now += LEASE_AGE
    return call


async def _sweep(world: World, call: ClaimedCall) -> tuple[int, CallStatus]:
    """How many slots were freed, and the status of the call."""
    ctx = world.ctx
    resources = replace(ctx, public_url="http://127.0.0.1:1")
    freed = (await Sweeps(resources).sweep_leases()).leases
    record = await ctx.database.read(lambda s: calls.get_call(s, call.call_id))
    assert record is not None
    return freed, record.status


@pytest.mark.usefixtures("poor_look_up")
@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        (("ringing", "busy"), CallStatus.BUSY),
        (("ringing", "no_answer"), CallStatus.NO_ANSWER),
        (("in_progress", "completed"), CallStatus.COMPLETED),
    ],
    ids=lambda value: str(value) if isinstance(value, CallStatus) else "",
)
async def test_it_ends_as_was_reported(
    world: World, kinds: tuple[str, ...], status: CallStatus
) -> None:
    call = await _reported(world, *kinds)
    assert await _sweep(world, call) == (1, status)


@pytest.mark.usefixtures("poor_look_up")
async def test_a_talk_that_was_reported_counts_for_the_end_that_is_assumed(world: World) -> None:
    """No report of the end came, and no call lasts so long."""
    call = await _reported(world, "in_progress")
    assert await _sweep(world, call) == (0, CallStatus.IN_PROGRESS)
    world.clock.now += timedelta(hours=1)
    assert await _sweep(world, call) == (1, CallStatus.COMPLETED)


async def _make_unreadable(world: World, call: ClaimedCall, payload: str) -> None:
    """As another version may have stored what was reported."""
    spoiled = update(event).where(event.c.call_id == call.call_id).values(payload=payload)
    await world.ctx.database.write(lambda s: s.connection().execute(spoiled))


UNREADABLE = ["", "{}", '{"event_id": "e", "at": "2026-03-04T15:00:00Z", "status": "parked"}']


@pytest.mark.usefixtures("poor_look_up")
@pytest.mark.parametrize("payload", UNREADABLE)
async def test_a_report_that_nobody_can_read_keeps_no_slot(
    world: World, payload: str, caplog: pytest.LogCaptureFixture
) -> None:
    call = await _reported(world, "ringing")
    await _make_unreadable(world, call, payload)
    assert await _sweep(world, call) == (0, CallStatus.RINGING)
    assert f"an event of call {call.call_id} can't be read" in caplog.text
    world.clock.now += timedelta(hours=1)
    assert await _sweep(world, call) == (1, CallStatus.FAILED)


@pytest.mark.parametrize("payload", UNREADABLE)
async def test_what_can_be_read_beside_it_counts(
    world: World, payload: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it was stored before, or a look-up tells it."""
    call = await _reported(world, "ringing")
    await _make_unreadable(world, call, payload)
    headers, body = webhook(call.call_id, "busy", at=world.clock.now, signed_at=NOW)
    await world.receive_webhook("simulated", headers, body, "http://testserver")
    monkeypatch.setattr(world.ctx.lines["simulated"].provider, "look_up", _nothing)
    assert await _sweep(world, call) == (1, CallStatus.BUSY)
