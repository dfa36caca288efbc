"""Free-form values at every door: bounded by our numbers, and never able to spoil an answer."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.domain.bounds import (
    AGENT_SETTINGS,
    DOCUMENT,
    FREE_FORM,
    FROM_PROVIDER,
    Bounds,
    OutOfBounds,
    parse_json,
    require_within,
)
from outdial.domain.call.plan import CallRequest
from outdial.domain.definition.agent import Agent
from outdial.intake.definition import read_definition_text
from outdial.intake.problems import DefinitionInvalid
from outdial.providers.errors import WebhookRefused
from outdial.providers.reports.payload import object_in, parsed
from outdial.services.calls.requests import request_call
from outdial.services.errors import RequestRefused
from tests.api.v1.conftest import Customer
from tests.services.world import World


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


def many(count: int) -> str:
    return json.dumps({f"k{n}": n for n in range(count)})


BAD: dict[str, str] = {
    "too deep": nested(FREE_FORM.depth + 1),
    "far too deep": nested(100_000),
    "deep lists": "{" + '"a":' + "[" * 5_000 + "]" * 5_000 + "}",
    "too many keys": many(FREE_FORM.members + 1),
    "too many items": json.dumps({"a": [0] * FREE_FORM.members}),
    "too long": json.dumps({"a": "x" * 70_000}),
    "a long key": json.dumps({"k" * 600: 1}),
    "NUL": '{"a": {"b": ["x\\u0000y"]}}',
    "NUL in a key": '{"a\\u0000": 1}',
    "half a pair": '{"a": "\\ud800"}',
    "the other half": '{"a": ["\\udc00 x"]}',
    "half a pair in a key": '{"\\ud83d": 1}',
    "not a number": '{"a": NaN}',
    "infinity": '{"a": -Infinity}',
    "as good as infinity": '{"a": 1e999}',
    "more than 64 bits": '{"a": 9223372036854775808}',
    "digits without end": '{"a": ' + "9" * 5_000 + "}",
}
GOOD: dict[str, str] = {
    "as deep as allowed": nested(FREE_FORM.depth),
    "as many as allowed": many(FREE_FORM.members),
    "whole characters": '{"\\ud83d\\ude00": "é\\u00e9 \\u2028"}',
    "64 bits": '{"a": [9223372036854775807, -9223372036854775807, 1.5e300, null, true]}',
}

DOORS: dict[str, tuple[str, str]] = {
    "call context": (
        "/v1/calls",
        '{"to": "+12125550143", "agent": "reminder", "line": "simulated", "context": VALUE}',
    ),
    "agent of a call": (
        "/v1/calls",
        '{"to": "+12125550143", "agent": {"id": "a", "settings": VALUE}, "line": "simulated"}',
    ),
    "contact": ("/v1/contacts", '{"phone": "+12125550144", "metadata": VALUE}'),
    "agent": ("/v1/agents", '{"id": "x", "name": "x", "settings": VALUE}'),
    "agent metadata": ("/v1/agents", '{"id": "y", "name": "y", "metadata": VALUE}'),
    "number": ("/v1/phone-numbers", '{"phone": "+12125550145", "metadata": VALUE}'),
    "BuildVoiceAI call": (
        "/compat/buildvoiceai/api/v1/calls/trigger",
        '{"phone_number": "+12125550143", "agent_id": "reminder", "metadata": VALUE}',
    ),
    "Voxpria call": (
        "/compat/voxpria/api/v1/calls",
        '{"agentId": "reminder", "toNumber": "+12125550143", "variables": VALUE}',
    ),
    "Voxpria contact": (
        "/compat/voxpria/api/v1/contacts",
        '{"phone": "+12125550146", "metadata": VALUE}',
    ),
    "thinnestAI call": (
        "/compat/thinnestai/voice/outbound/dial",
        '{"agent_id": "reminder", "to_number": "+12125550143", "from_number": "+12125550199",'
        ' "context": VALUE}',
    ),
}
LISTS = ("/v1/calls", "/v1/contacts", "/v1/agents", "/v1/phone-numbers",
         "/compat/voxpria/api/v1/contacts", "/compat/voxpria/api/v1/calls")  # fmt: skip
WIDER = {"agent of a call", "agent"}
"""Settings of agents may be larger than what is only given back."""
ONLY_WIDER = {"too deep", "too many keys", "too many items", "too long"}


def filled(door: str, value: str) -> tuple[str, str]:
    path, body = DOORS[door]
    return path, body.replace("VALUE", value)


async def send(us: Customer, path: str, body: str) -> httpx.Response:
    headers = {"content-type": "application/json"}
    return await us.http.post(path, content=body.encode(), headers=headers)


@pytest.mark.parametrize("door", DOORS)
async def test_what_is_out_of_bounds_is_refused_at_every_door(us: Customer, door: str) -> None:
    for name, value in BAD.items():
        if door in WIDER and name in ONLY_WIDER:
            continue
        path, body = filled(door, value)
        answer = await send(us, path, body)
        limited = {429} if door.startswith("thinnestAI") else set()  # ten a minute
        assert answer.status_code in {400, 422} | limited, (name, answer.text)
        assert len(answer.content) < 2_000, name
    for path in LISTS:
        assert (await us.http.get(path)).status_code == 200


@pytest.mark.parametrize("door", ["call context", "contact", "agent", "number"])
async def test_what_is_within_bounds_comes_back(us: Customer, door: str) -> None:
    for name, value in GOOD.items():
        path, body = filled(door, value)
        unique = json.loads(body)
        if door == "agent":
            unique["id"] = f"g{list(GOOD).index(name)}"
        if door in ("contact", "number"):
            unique["phone"] = f"+121255501{list(GOOD).index(name) + 10}"
        answer = await us.http.post(path, json=unique)
        assert answer.is_success, (name, answer.text)
        field = {"call context": "context", "agent": "settings"}.get(door, "metadata")
        assert answer.json()[field] == json.loads(value)


async def test_a_context_of_twenty_megabytes_is_refused(us: Customer) -> None:
    _, body = filled("call context", json.dumps({"a": "x" * 20_000_000}))
    try:
        answer = await send(us, "/v1/calls", body)
    except httpx.TransportError:
        return  # closed while it was being sent
    assert answer.status_code == 413


async def test_the_error_says_where(us: Customer) -> None:
    path, body = filled("call context", '{"order": {"lines": ["x", "y\\u0000"]}}')
    answer = await send(us, path, body)
    assert answer.json()["detail"] == (
        "body: context.order.lines[1]: found a NUL character; leave it out"
    )
    path, body = filled("call context", many(1_001))
    detail = (await send(us, path, body)).json()["detail"]
    assert detail == "context: found more than 1000 keys and items; write fewer"


AGENT = Agent(id="a")


@pytest.mark.parametrize(
    "request_",
    [
        CallRequest(to="+12125550143", agent=AGENT, context=json.loads(nested(13))),
        CallRequest(to="+12125550143", agent=AGENT, context={"a": "x" * 70_000}),
        CallRequest(to="+12125550143", agent=AGENT, context={"a": "\ud800"}),
        CallRequest(to="+12125550143", agent=AGENT, variables={"a": "\0"}),
        CallRequest(to="+12125550143", agent=Agent(id="a", settings={"a": float("inf")})),
        CallRequest(to="+12125550143", agent=AGENT, caller_id="+1212\0"),
        CallRequest(to="+12125550143", agent=AGENT, time_zone="x" * 70_000),
    ],
    ids=lambda one: "",
)
async def test_requests_by_temporal_are_bounded(world: World, request_: CallRequest) -> None:
    with pytest.raises(OutOfBounds):
        request_.require_bounded()
    with pytest.raises(RequestRefused):
        await request_call(world.ctx, request_)


DEFINITION = """
name: n
purpose: informational
agent: {{id: a, settings: {settings}}}
line: simulated
recipients: [{{phone: "+12125550143", note: {note}}}]
"""


@pytest.mark.parametrize(
    ("settings", "note"),
    [
        ("{}", r'"x\0y"'),
        ("{}", r'"\ud800"'),
        (r'{greeting: "\0"}', "x"),
        ("{a: " + "[" * 20 + "]" * 20 + "}", "x"),
        ("{a: [" + "1, " * 6_000 + "]}", "x"),
    ],
)
def test_definitions_hold_what_can_be_stored(settings: str, note: str) -> None:
    with pytest.raises(DefinitionInvalid) as refused:
        read_definition_text(DEFINITION.format(settings=settings, note=note))
    assert all(problem.line > 1 for problem in refused.value.problems)


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
def test_a_providers_report_is_stored_or_refused(value: str) -> None:
    """Never an exception of another kind, on any interpreter; what is kept can be written."""
    body = f'{{"call": {value}}}'.encode()
    try:
        kept = object_in(body)
    except WebhookRefused:
        return
    require_within(kept, FROM_PROVIDER)
    json.dumps(kept, allow_nan=False).encode()
    json.dumps(kept, ensure_ascii=False).encode()


def test_the_limit_of_depth_is_ours() -> None:
    for depth, good in ((FROM_PROVIDER.depth, True), (FROM_PROVIDER.depth + 1, False)):
        for body in (nested(depth), "[" * depth + "]" * depth):
            try:
                parsed(body.encode())
            except ValueError:
                assert not good
            else:
                assert good
    quoted = json.dumps({"a": "[" * 500 + '"' + "{" * 500 + "\\"})
    assert parsed(quoted.encode()) == json.loads(quoted)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=30,
)


@given(JSON, st.sampled_from([FREE_FORM, AGENT_SETTINGS, DOCUMENT, Bounds(3, 10, 50, 4)]))
def test_what_is_within_bounds_can_be_written_and_read(value: Any, bounds: Bounds) -> None:
    try:
        require_within(value, bounds)
    except OutOfBounds as error:
        message = str(error)
    else:
        message = ""
    assert len(message.encode()) < 1_000
    if message:
        return
    text = json.dumps(value, allow_nan=False)
    assert parse_json(text.encode(), bounds) == value
    assert json.loads(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=200) | JSON.map(lambda v: json.dumps(v).encode()))
def test_a_body_is_read_or_refused(body: bytes) -> None:
    for read in (parse_json, parsed):
        try:
            value = read(body)
        except ValueError:
            continue
        json.dumps(value, allow_nan=False)
