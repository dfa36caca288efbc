"""What is special about Voxanne: it calls contacts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.adapters.voxanne.client import VoxanneProvider
from outdial.providers.errors import NotPlaced, ProviderError, Rejected, Throttled, Unavailable
from tests.providers.contract.running import connected, running
from tests.providers.contract.server import Answer, json_answer
from tests.providers.contract.stage import NOW, NUMBER, FarCall, iso
from tests.providers.voxanne.stage import VoxanneStage

SINCE = NOW - timedelta(minutes=1)


@pytest.fixture
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[VoxanneStage]:
    connections = request.node.get_closest_marker("connections") is not None
    async with running(VoxanneStage, connections=connections) as stage:
        yield stage


@pytest.fixture
async def provider(stage: VoxanneStage) -> AsyncIterator[VoxanneProvider]:
    async with connected(VoxanneProvider, stage) as provider:
        yield provider


@pytest.fixture
async def call(stage: VoxanneStage, provider: VoxanneProvider) -> FarCall:
    placed = await provider.place(stage.order())
    return stage.calls[placed.provider_call_id]


def paths(stage: VoxanneStage) -> list[str]:
    return [f"{request.method} {request.path}" for request in stage.requests]


async def test_a_new_number_becomes_a_contact(
    stage: VoxanneStage, provider: VoxanneProvider
) -> None:
    variables = {"first_name": "Ada", "last_name": "Byron"}
    await provider.place(stage.order(variables=variables))
    assert stage.contacts == [{"id": "contact-0", "name": "Ada Byron", "phone": NUMBER}]
    (call,) = stage.calls.values()
    assert call.order == {"contact_id": "contact-0", "agentId": "agent-1"}
    assert paths(stage) == [
        "GET /api/contacts",
        "POST /api/contacts",
        "POST /api/contacts/contact-0/call-back",
    ]


@pytest.mark.parametrize(
    ("variables", "name"), [({"name": "Ada B."}, "Ada B."), ({"day": "Monday"}, "Unknown")]
)
async def test_a_contact_has_a_name(
    stage: VoxanneStage, provider: VoxanneProvider, variables: dict[str, str], name: str
) -> None:
    await provider.place(stage.order(variables=variables, agent=""))
    assert stage.contacts[0]["name"] == name
    assert stage.requests[-1].json == {}


async def test_a_known_number_is_called_as_the_contact_it_is(
    stage: VoxanneStage, provider: VoxanneProvider
) -> None:
    stage.contacts = [
        {"id": "contact-7", "name": "Longer", "phone": f"{NUMBER}9"},
        {"id": "contact-8", "name": "Ada", "phone": NUMBER},
    ]
    await provider.place(stage.order())
    assert paths(stage) == ["GET /api/contacts", "POST /api/contacts/contact-8/call-back"]


async def test_contacts_may_come_as_a_bare_list(
    stage: VoxanneStage, provider: VoxanneProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.contacts = [{"id": "contact-8", "phone": NUMBER}]
    row = [{"id": "contact-8", "phone_number": NUMBER}]
    monkeypatch.setattr(stage, "answer", lambda request: json_answer(row))
    await provider.place(stage.order())
    assert stage.creates == 1


async def test_nobody_else_is_dialed(
    stage: VoxanneStage, provider: VoxanneProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"id": "contact-1", "phone": "+12025550199"}
    monkeypatch.setattr(stage, "answer", lambda request: json_answer(other))
    with pytest.raises(Rejected, match="somebody else"):
        await provider.place(stage.order())
    assert stage.creates == 0


@pytest.mark.connections
@pytest.mark.parametrize("broken", [Answer(500), Answer(0), Answer(200, b"{"), Answer(400)])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_until_the_call_back_nobody_was_called(
    stage: VoxanneStage,
    provider: VoxanneProvider,
    monkeypatch: pytest.MonkeyPatch,
    broken: Answer,
    method: str,
) -> None:
    answer = stage.answer
    monkeypatch.setattr(
        stage, "answer", lambda request: broken if request.method == method else answer(request)
    )
    if broken.status == 200 and method == "GET":
        await provider.place(stage.order())  # as if nobody was found
        return
    with pytest.raises(NotPlaced):
        await provider.place(stage.order())
    assert stage.creates == 0


@pytest.mark.connections
async def test_a_contact_that_takes_long_leaves_nobody_called(
    stage: VoxanneStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "answer", lambda request: Answer(None))
    wait = timedelta(seconds=0.2)
    async with connected(VoxanneProvider, stage, request_timeout=wait) as provider:
        with pytest.raises(Unavailable, match="nobody was dialed"):
            await provider.place(stage.order())
    assert stage.creates == 0


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (400, FailureClass.MISCONFIGURED),
        (401, FailureClass.MISCONFIGURED),
        (402, FailureClass.MISCONFIGURED),
        (404, FailureClass.MISCONFIGURED),
        (429, FailureClass.THROTTLED),
        (500, FailureClass.UNKNOWN),
        (201, FailureClass.UNKNOWN),
    ],
)
async def test_every_refusal(
    stage: VoxanneStage,
    provider: VoxanneProvider,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    failure: FailureClass,
) -> None:
    answer = json_answer({"error": f"{NUMBER} is bad"}, status)
    monkeypatch.setattr(stage, "created", lambda call: answer)
    with pytest.raises(ProviderError) as caught:
        await provider.place(stage.order())
    assert (caught.value.failure, caught.value.provider_code) == (failure, str(status))
    assert NUMBER not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (Answer(429, b"{}", {"RateLimit-Reset": "90"}), timedelta(seconds=90)),
        (json_answer({"retryAfter": 60}, 429, {"RateLimit-Reset": "90"}), timedelta(seconds=60)),
        (json_answer({"retryAfter": 60}, 429, {"Retry-After": "5"}), timedelta(seconds=5)),
        (json_answer({"retryAfter": 1e12}, 429), timedelta(hours=1)),
        (json_answer({"retryAfter": -1}, 429), None),
        (Answer(429), None),
    ],
)
async def test_a_limit_says_when_it_ends(
    stage: VoxanneStage,
    provider: VoxanneProvider,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
    wait: timedelta | None,
) -> None:
    monkeypatch.setattr(stage, "created", lambda call: answer)
    with pytest.raises(Throttled) as caught:
        await provider.place(stage.order())
    assert caught.value.retry_after == wait


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"callTrackingId": "tracking-1", "vapiCallId": "vapi-9"}, "vapi-9"),
        ({"callTrackingId": "tracking-1"}, "tracking-1"),
        ({"id": "call-1"}, "call-1"),
    ],
)
async def test_which_id_names_the_call(
    stage: VoxanneStage,
    provider: VoxanneProvider,
    monkeypatch: pytest.MonkeyPatch,
    content: dict[str, Any],
    expected: str,
) -> None:
    monkeypatch.setattr(stage, "created", lambda call: json_answer(content, 201))
    assert (await provider.place(stage.order())).provider_call_id == expected


async def test_find_goes_by_number_and_time(
    stage: VoxanneStage, provider: VoxanneProvider, call: FarCall
) -> None:
    older = await provider.place(stage.order())
    inbound = await provider.place(stage.order())
    stage.facts[older.provider_call_id] = {"created_at": iso(NOW - timedelta(hours=1))}
    stage.facts[inbound.provider_call_id] = {"call_direction": "inbound"}
    stage.move(call, CallStatus.IN_PROGRESS)
    snapshot = await provider.find("our-1", to=NUMBER, since=SINCE)
    assert snapshot is not None
    assert (snapshot.provider_call_id, snapshot.status) == (call.id, CallStatus.IN_PROGRESS)
    stage.facts.clear()
    assert await provider.find("our-1", to=NUMBER, since=SINCE) is None


@pytest.mark.parametrize("answer", [json_answer({"calls": []}), Answer(200, b"<html>")])
async def test_a_list_that_is_none_is_unavailable(
    stage: VoxanneStage,
    provider: VoxanneProvider,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
) -> None:
    monkeypatch.setattr(stage, "answer", lambda request: answer)
    with pytest.raises(Unavailable, match="unreadable"):
        await provider.find("our-1", to=NUMBER, since=SINCE)


async def test_options_of_other_lines_are_no_matter(stage: VoxanneStage) -> None:
    async with connected(VoxanneProvider, stage, options={"assistant_by": "name"}) as provider:
        assert "key accepted" in await provider.check()
