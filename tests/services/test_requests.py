"""Asking for one call: refused at once, or asked for once."""

from __future__ import annotations

import uuid

import pytest

from outdial.contracts.names import request_workflow_id
from outdial.dispatch.errors import TemporalUnavailable
from outdial.domain.call.plan import CallRequest
from outdial.domain.definition.agent import Agent
from outdial.domain.line.routing import UnknownLine
from outdial.services.calls.requests import await_outcome, request_call
from outdial.services.errors import RequestRefused
from tests.services.world import World, build_world, no_temporal


def request(to: str = "+1 202 555 0123", line: str = "simulated") -> CallRequest:
    return CallRequest(to=to, agent=Agent(id="reminder"), line=line)


async def test_one_key_is_one_request(world: World) -> None:
    key = uuid.uuid4().hex
    first = await request_call(world.ctx, request(), key)
    assert first == request_workflow_id("default", key)
    assert await request_call(world.ctx, request(), key) == first
    handle = world.ctx.temporal.get_workflow_handle(first)
    assert await (await handle.describe()).static_summary() == (
        "call +1202•••0123 on line simulated"
    )
    await handle.terminate()
    assert await request_call(world.ctx, request(), key) == first, "over is over"
    with pytest.raises(RequestRefused, match="ended from outside"):
        await await_outcome(world.ctx, first)


async def test_what_cannot_be_dialed_is_refused(world: World) -> None:
    with pytest.raises(RequestRefused, match="to: found '12'"):
        await request_call(world.ctx, request("12"))
    with pytest.raises(UnknownLine):
        await request_call(world.ctx, request(line="landline"))


async def test_without_temporal_it_is_not_asked_for(world: World) -> None:
    nowhere = build_world(world.ctx.database, await no_temporal())
    with pytest.raises(TemporalUnavailable):
        await request_call(nowhere.ctx, request())
