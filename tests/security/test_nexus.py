"""Another namespace has no key: it asks for calls as the settings say it may."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from nexusrpc import HandlerError, HandlerErrorType
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.launching import Launches
from outdial.contracts.messages import RequestCallInput
from outdial.contracts.signatures.launch import LaunchInput
from outdial.domain.access import SCOPES
from outdial.domain.call.plan import CallRequest
from outdial.domain.definition.agent import Agent
from outdial.runtime.settings.settings import Settings, load_settings
from outdial.services.campaigns.awaiting import AwaitedLaunches
from outdial.services.errors import NoSuchCampaign
from outdial.services.nexus import OutdialServiceHandler
from outdial.services.operations.reading import require_campaign
from tests.security.test_rights import CAMPAIGN, DEFINITIONS
from tests.services.world import World

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
    message = RequestCallInput(tenant="default", request=request)
    await OutdialServiceHandler(world.ctx, scopes)._require(message)


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


OPERATIONS = {"place_call": "calls:write", "run_campaign": "campaigns:write"}


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_each_operation_needs_its_scope(world: World, operation: str) -> None:
    async def ask(scopes: tuple[str, ...]) -> None:
        if operation == "place_call":
            await required(world, scopes, {})
        else:
            handler = OutdialServiceHandler(world.ctx, scopes)
            handler._with_scopes(LaunchInput(tenant="default", file="x.yaml"))

    scope = OPERATIONS[operation]
    await ask((scope,))
    await ask(("*",))
    for others in ((), tuple(set(SCOPES) - {scope, "*"})):
        with pytest.raises(HandlerError) as refused:
            await ask(others)
        assert refused.value.type is HandlerErrorType.UNAUTHORIZED
        assert scope in str(refused.value)


@pytest.mark.parametrize("claimed", [None, (), ("*",)])
def test_nobody_says_what_scopes_they_have(world: World, claimed: tuple[str, ...] | None) -> None:
    message = LaunchInput(tenant="default", definition=CAMPAIGN, scopes=claimed)
    assert OutdialServiceHandler(world.ctx, DEFAULT)._with_scopes(message).scopes == DEFAULT


@pytest.mark.parametrize("what", DEFINITIONS)
async def test_a_definition_of_another_namespace_has_its_scopes(
    world: World, what: str, tmp_path: Path
) -> None:
    more, scope = DEFINITIONS[what]
    text = json.dumps(CAMPAIGN | more)
    (tmp_path / "own.yaml").write_text(text)
    launches = Launches(AwaitedLaunches(world.ctx), tmp_path)
    inline = LaunchInput(tenant="default", definition=text, scopes=DEFAULT)
    with pytest.raises(ApplicationError) as refused:
        await ActivityEnvironment().run(launches.launch_campaign, inline)
    assert refused.value.non_retryable
    assert scope in str(refused.value)
    with pytest.raises(NoSuchCampaign):
        await require_campaign(world.ctx, "n")
    # The operator's file is the operator's own, whoever asks that it be launched.
    of_file = LaunchInput(tenant="default", file="own.yaml", scopes=DEFAULT)
    launched = await ActivityEnvironment().run(launches.launch_campaign, of_file)
    assert launched.name == "n"


async def test_a_plain_definition_of_another_namespace_is_taken(
    world: World, tmp_path: Path
) -> None:
    message = LaunchInput(tenant="default", definition=CAMPAIGN, scopes=DEFAULT)
    launches = Launches(AwaitedLaunches(world.ctx), tmp_path)
    launched = await ActivityEnvironment().run(launches.launch_campaign, message)
    assert launched.name == "n"


def test_the_settings_say_it() -> None:
    given = {"OUTDIAL_NEXUS_SCOPES": '["calls:write", "dialing:override"]'}
    assert load_settings(given).nexus_scopes == ("calls:write", "dialing:override")
