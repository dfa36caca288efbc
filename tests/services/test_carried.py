"""What a line would drop is refused at every door, by name, before anybody is called."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from outdial.dispatch.wakeups import Wakeups
from outdial.domain.call.plan import CallRequest
from outdial.domain.call.request import CallView
from outdial.domain.definition.agent import Agent
from outdial.intake.definition import read_definition_text
from outdial.intake.problems import DefinitionInvalid
from outdial.providers.catalog import build_provider
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.providers.port import LineConfig
from outdial.providers.unsupported import not_carried_by
from outdial.resources.resources import Resources
from outdial.services.calls.calls import CallOrder, create_call
from outdial.services.calls.dialing import single_call
from outdial.services.calls.requests import request_call
from outdial.services.campaigns.launching import launch_campaign
from outdial.services.errors import RequestRefused
from outdial.services.operations.lines import left_to_providers
from tests.services.world import World, new_name

CREDENTIALS = {"api_key": "k", "api_secret": "s", "webhook_secret": "w"}
CONFIGS: dict[str, dict[str, Any]] = {
    "vapi": {"phone_number_id": "p"},
    "voxpria": {},
    "livekit": {"sip_trunk_id": "ST_1"},
    "retell": {},
}
NUMBER = "+12025550123"


def _line(name: str, **policy: Any) -> Line:
    url = "https://example.livekit.cloud" if name == "livekit" else None
    config = LineConfig(name=name, credentials=CREDENTIALS, options=CONFIGS[name], base_url=url)
    return Line(name, build_provider(name, config), LinePolicy(**policy))


@pytest.fixture
def ctx(world: World) -> Resources:
    return replace(world.ctx, lines=Lines([_line(name) for name in CONFIGS]))


def _text(line: str, more: str) -> str:
    name = new_name()
    return (
        f"name: {name}\npurpose: informational\nagent: a\nline: {line}\n"
        f'recipients: [{{ phone: "{NUMBER}" }}]\n{more}\n'
    )


@pytest.mark.parametrize(
    ("line", "more", "field", "place", "can"),
    [
        ("voxpria", "recording: true", "recording", 6, "set in the agent at Voxpria"),
        ("voxpria", "recording: false", "recording", 6, "can't be told not to record"),
        ("livekit", "recording: true", "recording", 6, "which starts egress itself"),
        ("voxpria", "ring_timeout: 20s", "ring_timeout", 6, "leave it out here"),
        ("voxpria", "max_duration: 5m", "max_duration", 6, "leave it out here"),
        ("voxpria", 'caller_ids: "+12025550199"', "caller_ids", 6, "shows the number of"),
        ("retell", "ring_timeout: 1s", "ring_timeout", 6, "from 5s to 5m; found 1s"),
        ("[vapi, voxpria]", "recording: true", "recording", 6, "line voxpria can't carry it"),
    ],
)
async def test_a_launch(
    ctx: Resources, line: str, more: str, field: str, place: int, can: str
) -> None:
    loaded = read_definition_text(_text(line, more))
    with pytest.raises(DefinitionInvalid) as caught:
        await launch_campaign(ctx, loaded)
    (problem,) = caught.value.problems
    assert (problem.field, problem.line) == (field, place)
    assert can in problem.message


@pytest.mark.parametrize(
    ("more", "paths"),
    [
        ("", []),
        ("recording: true\nring_timeout: 20s", []),
        ("variables: { greeting: hello }", []),
    ],
)
def test_what_goes_along_is_refused_nowhere(more: str, paths: list[Any]) -> None:
    definition = read_definition_text(_text("vapi", more)).definition
    found = not_carried_by({"vapi": _line("vapi")}, definition)
    assert [one.path for one in found] == paths


def test_a_line_s_own_agent_and_numbers_are_named_where_they_stand() -> None:
    line = (
        "\n  - { name: voxpria, agent: { id: b, settings: { x: 1 } }, "
        'caller_ids: ["+12025550199"] }'
    )
    definition = read_definition_text(_text(line, "")).definition
    found = not_carried_by({"voxpria": _line("voxpria")}, definition)
    paths = [one.path for one in found]
    assert paths == [("line", 0, "caller_ids"), ("line", 0, "agent", "settings", "x")]
    plain = read_definition_text(_text("voxpria", "")).definition
    numbered = {"voxpria": _line("voxpria", caller_ids=("+12025550199",))}
    assert [one.path for one in not_carried_by(numbered, plain)] == [("line",)]


def _request(line: str, **changes: Any) -> CallRequest:
    return CallRequest(to=NUMBER, agent=Agent(id="a"), line=line, **changes)


ASKED = [
    ("voxpria", {"recording": False}, "recording: line voxpria"),
    ("livekit", {"recording": True}, "recording: line livekit"),
    ("voxpria", {"caller_id": "+12025550199"}, "caller_id: line voxpria"),
    ("voxpria", {"max_duration": timedelta(minutes=5)}, "max_duration: line voxpria"),
    ("retell", {"ring_timeout": timedelta(seconds=1)}, "ring_timeout: line retell"),
    # What equals the default was asked for as well, once somebody wrote it.
    ("voxpria", {"max_duration": timedelta(minutes=10)}, "max_duration: line voxpria"),
    ("voxpria", {"ring_timeout": timedelta(seconds=30)}, "ring_timeout: line voxpria"),
]


@pytest.mark.parametrize(("line", "changes", "why"), ASKED)
async def test_a_single_call(ctx: Resources, line: str, changes: dict[str, Any], why: str) -> None:
    request = _request(line, **changes)
    with pytest.raises(RequestRefused, match=why):
        await create_call(ctx, Wakeups(ctx.temporal), CallOrder(request=request))
    with pytest.raises(RequestRefused, match=why):
        await request_call(ctx, request)


async def test_a_request_without_wishes_is_taken_by_every_line(ctx: Resources) -> None:
    for name in CONFIGS:
        made = await create_call(ctx, Wakeups(ctx.temporal), CallOrder(request=_request(name)))
        assert isinstance(made, CallView)


async def test_what_is_left_to_the_provider_is_said(ctx: Resources) -> None:
    for name, count in (("voxpria", 2), ("vapi", 0), ("retell", 0)):
        assert len(list(left_to_providers(ctx, _request(name).plan()))) == count
    said = list(left_to_providers(ctx, _request("voxpria").plan()))
    assert "whether calls are recorded is set in the agent at Voxpria" in said[1]


@pytest.mark.parametrize(("line", "recording"), [("vapi", True), ("voxpria", None)])
async def test_systems_whose_calls_have_recordings_have_them_where_they_can(
    ctx: Resources, line: str, recording: bool | None
) -> None:
    alone = replace(ctx, lines=Lines([_line(line)]))
    order = await single_call(
        alone, to=NUMBER, agent="a", origin="x", scopes=(), has_recordings=True
    )
    assert (order.request.line, order.request.recording) == (line, recording)
    assert isinstance(await create_call(alone, Wakeups(alone.temporal), order), CallView)
