"""Another namespace has no key: it asks for calls as the settings say it may."""

from __future__ import annotations

from typing import Any

import pytest
from nexusrpc import HandlerError, HandlerErrorType

from domain.agent import Agent
from domain.plan import CallRequest
from runtime.settings import Settings, load_settings
from services.nexus import OutdialServiceHandler
from tests.services.world import World
from workflows.messages import RequestCallInput

DEFAULT = Settings().nexus_scopes
FOREIGN = "+13125550123"
RISK = ({"rule": "US-FL.hours", "reason": "counsel has looked at it"},)
ASKED: dict[str, tuple[dict[str, Any], HandlerErrorType | None]] = {
    "a call": ({}, None),
    "a caller id": ({"caller_id": FOREIGN}, HandlerErrorType.UNAUTHORIZED),
    "a risk": ({"accept_risk": RISK}, HandlerErrorType.UNAUTHORIZED),
    "another line": ({"line": "nobody"}, HandlerErrorType.BAD_REQUEST),
    "too much": ({"context": {"a": "x" * 70_000}}, HandlerErrorType.BAD_REQUEST),
}


async def required(world: World, scopes: tuple[str, ...], more: dict[str, Any]) -> None:
    request = CallRequest.model_validate(
        {"to": "+12125550143", "agent": Agent(id="a"), "line": "simulated"} | more
    )
    asked = RequestCallInput(tenant="default", request=request)
    await OutdialServiceHandler(world.ctx, scopes)._require(asked)


@pytest.mark.parametrize("what", ASKED)
async def test_what_another_namespace_may_ask_for(world: World, what: str) -> None:
    more, refusal = ASKED[what]
    if refusal is None:
        await required(world, DEFAULT, more)
        return
    with pytest.raises(HandlerError) as refused:
        await required(world, DEFAULT, more)
    assert (refused.value.type, refused.value.retryable) == (refusal, False)
    if refusal is HandlerErrorType.UNAUTHORIZED:
        assert "nexus_scopes" in str(refused.value)
        await required(world, (*DEFAULT, "dialing:override", "risks:accept"), more)


def test_the_settings_say_it() -> None:
    given = {"OUTDIAL_NEXUS_SCOPES": '["calls:write", "dialing:override"]'}
    assert load_settings(given).nexus_scopes == ("calls:write", "dialing:override")
