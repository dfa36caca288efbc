"""Every setting of a call is seen in what the provider is sent, or refused beforehand by name."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outdial.domain.call.placing import PlaceRequest
from outdial.domain.definition.agent import Agent
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.providers.carried import CallSettings, NotCarried
from outdial.providers.errors import ProviderError
from outdial.providers.port import Provider
from tests.generating import examples
from tests.providers.contract.stage import CALLER_ID, Stage

SECONDS = timedelta(seconds=1)
OTHER_NUMBER = "+12025550111"
NOT_SETTINGS = {"call_id", "to", "agent", "attempt", "webhook_url"}
"""Of an order, what no campaign sets."""
ASKED_AS = {"caller_id": "caller_ids", "agent_settings": "agent"}
"""Where an order and a campaign have different names."""
VALUES: dict[str, tuple[Any, Any]] = {
    "caller_id": (CALLER_ID, OTHER_NUMBER),
    "agent_settings": ({}, {"outdial_probe": "north"}),
    "variables": ({"first_name": "Ada"}, {"first_name": "Bob"}),
    "ring_timeout": (20 * SECONDS, 40 * SECONDS),
    "max_duration": (300 * SECONDS, 420 * SECONDS),
    "recording": (False, True),
}
"""Two values of each setting, the second one a wish."""


@pytest.fixture
def provider(provider: Provider, stage: Stage) -> Iterator[Provider]:
    """A caller id that needs an id of the provider's has one; misuse is not what is looked at."""
    ids = {CALLER_ID: "number-1", OTHER_NUMBER: "number-2"}
    provider.line = provider.line.model_copy(
        update={"options": {**provider.line.options, "phone_number_ids": ids}}
    )
    stage.lenient = True
    yield provider
    stage.violations.clear()


AGENT = "https://example.com/agent-1"
"""Of every adapter, Twilio alone looks at what it is."""


def refusals(provider: Provider, name: str, value: Any) -> list[NotCarried]:
    agent = Agent(id=AGENT, settings=value if name == "agent_settings" else {})
    given: dict[str, Any] = {"agent": agent}
    if name == "caller_id":
        given["caller_ids"] = (value,)
    elif name == "variables":
        given["variables"] = frozenset(value)
    elif name != "agent_settings":
        given[name] = value
    return list(provider.refused(CallSettings(**given)))


async def sent(stage: Stage, provider: Provider, **changes: Any) -> list[Any]:
    """What the far side was sent for an order, whether it took it or not."""
    before = len(stage.requests)
    stage.calls.clear()
    stage.now = stage.now + timedelta(hours=1)
    with contextlib.suppress(ProviderError):
        await provider.place(stage.order(**changes))
    return [(r.method, r.target, _plain(r.body)) for r in stage.requests[before:]]


def _plain(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body


def test_every_setting_of_an_order_is_looked_at() -> None:
    settable = set(PlaceRequest.model_fields) - NOT_SETTINGS
    assert settable == set(VALUES)
    assert {ASKED_AS.get(name, name) for name in settable} == {
        one.name for one in fields(CallSettings)
    }
    of_campaigns = {ASKED_AS.get(name, name) for name in settable}
    assert of_campaigns <= set(CampaignDefinition.model_fields)


@pytest.mark.parametrize("name", sorted(VALUES))
async def test_a_setting_is_sent_or_refused(stage: Stage, provider: Provider, name: str) -> None:
    one, other = VALUES[name]
    refused = [refusal for value in (one, other) for refusal in refusals(provider, name, value)]
    if refused:
        path = ASKED_AS.get(name, name)
        assert {refusal.path[0] for refusal in refused} == {path}
        for refusal in refused:
            assert "line main can't carry it" in refusal.message
            assert provider.name in refusal.message
        if refusals(provider, name, other):
            return
    assert await sent(stage, provider, **{name: one}) != await sent(
        stage, provider, **{name: other}
    )


@pytest.mark.parametrize("recording", [True, False])
async def test_a_recording_that_was_said_is_told_or_refused(
    stage: Stage, provider: Provider, recording: bool
) -> None:
    """By itself: what is sent for a yes is never what is sent for a no."""
    if refusals(provider, "recording", recording):
        return
    one = await sent(stage, provider, recording=recording)
    assert one != await sent(stage, provider, recording=not recording)


@pytest.mark.parametrize("name", ["ring_timeout", "max_duration"])
@settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(pair=st.lists(st.integers(1, 14400), min_size=2, max_size=2, unique=True))
async def test_a_duration_is_kept_exactly_or_refused(
    stage: Stage, provider: Provider, name: str, pair: list[int]
) -> None:
    most = 600 if name == "ring_timeout" else 14400
    one, other = ((seconds - 1) % most + 1 for seconds in pair)
    taken = [not refusals(provider, name, seconds * SECONDS) for seconds in (one, other)]
    if not all(taken) or one == other:
        return
    first = await sent(stage, provider, **{name: one * SECONDS})
    assert first != await sent(stage, provider, **{name: other * SECONDS})


async def test_what_is_ours_to_write_is_refused_among_the_settings(provider: Provider) -> None:
    for dotted in provider.carried.reserved:
        given: Any = "x"
        for part in reversed(dotted.split(".")):
            given = {part: given}
        paths = [refusal.path for refusal in refusals(provider, "agent_settings", given)]
        assert ("agent", "settings", *dotted.split(".")) in paths


async def test_the_settings_that_are_named_are_sent(stage: Stage, provider: Provider) -> None:
    for name in provider.carried.settings or ():
        value = ["x"] if name == "tags" else "x"
        assert refusals(provider, "agent_settings", {name: value}) == []
        without = await sent(stage, provider)
        assert without != await sent(stage, provider, agent_settings={name: value}), name


async def test_a_default_is_refused_nowhere(provider: Provider) -> None:
    assert list(provider.refused(CallSettings(agent=Agent(id=AGENT)))) == []
