"""What a call does, from the create to the analysis, over real HTTP."""

from __future__ import annotations

import io
import wave
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from outdial.domain.call.status import AnsweredBy, CallStatus
from outdial.providers.adapters.simulated.client import SimulatedProvider
from outdial.providers.simulated.http.server import SimulatedNetwork
from outdial.providers.simulated.telephony.person import Behaviour
from tests.providers.simulated.conftest import NUMBER, Connect, Order, behave, only_call, until
from tests.providers.simulated.receiver import Receiver

ANSWERED = ["call.ringing", "call.in_progress", "call.completed", "call.analyzed"]


@pytest.mark.parametrize(
    ("behaviour", "types", "result"),
    [
        (Behaviour.ANSWER, ANSWERED, "completed"),
        (Behaviour.BOOK, ANSWERED, "booked"),
        (Behaviour.CALL_ME_LATER, ANSWERED, "call_me_later"),
        (Behaviour.OPT_OUT, ANSWERED, "opted_out"),
        (Behaviour.HANG_UP, ANSWERED, "hung_up"),
        (Behaviour.VOICEMAIL, ANSWERED, "voicemail"),
        (Behaviour.SCREENER, ANSWERED, "screened"),
        (Behaviour.NO_ANSWER, ["call.ringing", "call.no_answer"], "no_answer"),
        (Behaviour.BUSY, ["call.busy"], "busy"),
        (Behaviour.CARRIER_FAILURE, ["call.failed"], "failed:unavailable"),
        (Behaviour.NOT_IN_SERVICE, ["call.failed"], "failed:rejected"),
    ],
)
async def test_each_behaviour_tells_its_story(
    network: SimulatedNetwork,
    provider: SimulatedProvider,
    receiver: Receiver,
    order: Order,
    behaviour: Behaviour,
    types: list[str],
    result: str,
) -> None:
    behave(network, behaviour)
    placed = await provider.place(order())
    await receiver.count(len(types))
    await until(lambda: network.stats()["webhooks"]["pending"] == 0)
    assert receiver.types == types
    assert {one.event["data"]["call_id"] for one in receiver.received} == {placed.provider_call_id}
    assert {one.event["data"]["metadata"]["call_id"] for one in receiver.received} == {"our-1"}
    assert only_call(network).result == result
    assert network.stats()["by_outcome"] == {result: 1}
    assert network.stats()["by_behaviour"] == {behaviour: 1}
    assert network.stats()["open"] == 0


async def test_attempts_follow_the_overrides_of_a_number(
    network: SimulatedNetwork, provider: SimulatedProvider, receiver: Receiver, order: Order
) -> None:
    behave(network, Behaviour.BUSY, Behaviour.BUSY, Behaviour.ANSWER)
    for attempt in (1, 2, 3, 4):
        await provider.place(order(attempt=attempt))
    await until(lambda: network.stats()["open"] == 0)
    assert network.stats()["by_outcome"] == {"busy": 2, "completed": 2}


async def test_a_caller_who_names_no_attempt_gets_the_next_one(
    network: SimulatedNetwork, api: httpx.AsyncClient
) -> None:
    behave(network, Behaviour.BUSY, Behaviour.NO_ANSWER)
    for metadata in ({}, {"attempt": "second"}):
        body = {"to": NUMBER, "agent": "reminder", "metadata": metadata}
        assert (await api.post("/v1/calls", json=body)).status_code == 201
    calls = (await api.get("/sim/calls")).json()["calls"]
    assert [call["behaviour"] for call in calls] == ["busy", "no_answer"]


async def test_an_analysis_says_what_came_of_the_talk(
    network: SimulatedNetwork, provider: SimulatedProvider, receiver: Receiver, order: Order
) -> None:
    behave(network, Behaviour.CALL_ME_LATER)
    await provider.place(order())
    webhook = await receiver.last("call.analyzed")
    (event,) = provider.webhooks.read(webhook.body, receiver.url, datetime.now(UTC))
    assert event.disposition == "call_me_later"
    assert event.status is CallStatus.COMPLETED
    assert event.answered_by is AnsweredBy.HUMAN
    assert event.duration_seconds == 30
    assert event.cost == pytest.approx(0.05)
    assert event.transcript == (
        "Agent: Hello, this is reminder.\nPerson: I can't talk now, call me later."
    )
    assert event.recording_url is None
    assert event.redial_at is not None
    wait = event.redial_at - event.at
    assert timedelta(hours=2) - timedelta(seconds=1) <= wait <= timedelta(hours=2)


async def test_a_booking_names_the_appointment(
    network: SimulatedNetwork, provider: SimulatedProvider, receiver: Receiver, order: Order
) -> None:
    behave(network, Behaviour.BOOK)
    await provider.place(order())
    event = (await receiver.last("call.analyzed")).event
    appointment = datetime.fromisoformat(event["data"]["structured"]["appointment_at"])
    wait = appointment - datetime.fromisoformat(event["timestamp"])
    assert timedelta(days=1) - timedelta(seconds=1) <= wait <= timedelta(days=1)


async def test_a_machine_is_known_from_the_answer_on(
    network: SimulatedNetwork, provider: SimulatedProvider, receiver: Receiver, order: Order
) -> None:
    behave(network, Behaviour.VOICEMAIL)
    await provider.place(order())
    await receiver.count(4)
    answered_by = [one.event["data"].get("answered_by") for one in receiver.received]
    assert answered_by == [None, "machine", "machine", "machine"]


async def test_a_recording_can_be_fetched(
    provider: SimulatedProvider, receiver: Receiver, api: httpx.AsyncClient, order: Order
) -> None:
    await provider.place(order(recording=True))
    event = (await receiver.last("call.analyzed")).event
    sound = await api.get(event["data"]["recording_url"])
    assert sound.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(sound.content)) as file:
        assert file.getnframes() == 2000


@pytest.mark.parametrize("recording", [False, True])
async def test_there_is_no_recording_of_a_call_not_recorded_or_not_over(
    network: SimulatedNetwork,
    provider: SimulatedProvider,
    receiver: Receiver,
    api: httpx.AsyncClient,
    order: Order,
    recording: bool,
) -> None:
    network.configure({"people": {"time_scale": 1 if recording else 500}})
    placed = await provider.place(order(recording=recording))
    if not recording:
        await receiver.last("call.analyzed")
    answer = await api.get(f"/v1/calls/{placed.provider_call_id}/recording")
    assert answer.status_code == 404


async def test_the_network_ends_a_call_at_its_longest_duration(
    network: SimulatedNetwork, provider: SimulatedProvider, receiver: Receiver, order: Order
) -> None:
    network.configure({"people": {"talk_seconds": [90000, 90000]}})
    behave(network, Behaviour.BOOK)
    await provider.place(order(max_duration=timedelta(seconds=20)))
    data = (await receiver.last("call.analyzed")).event["data"]
    assert (data["reason"], data["duration_seconds"]) == ("max_duration", 20)
    # Cut off before there was anything to agree on.
    assert data["disposition"] is None
    assert data["structured"] == {}
    assert only_call(network).result == "completed"


async def test_a_person_slower_than_the_ring_timeout_does_not_answer(
    provider: SimulatedProvider, receiver: Receiver, order: Order
) -> None:
    await provider.place(order(ring_timeout=timedelta(seconds=9)))
    await receiver.last("call.no_answer")
    assert receiver.types == ["call.ringing", "call.no_answer"]


@pytest.mark.parametrize(
    ("after", "long", "ends_as"),
    [
        (None, "dial_seconds", "call.canceled"),
        ("call.ringing", "ring_seconds", "call.canceled"),
        ("call.in_progress", "talk_seconds", "call.completed"),
    ],
)
async def test_a_call_can_be_ended_wherever_it_is(
    network: SimulatedNetwork,
    provider: SimulatedProvider,
    receiver: Receiver,
    order: Order,
    after: str | None,
    long: str,
    ends_as: str,
) -> None:
    network.configure({"people": {long: [5000, 5000]}})
    hours = timedelta(hours=2)
    placed = await provider.place(order(ring_timeout=hours, max_duration=hours))
    if after is not None:
        await receiver.last(after)
    await provider.end(placed.provider_call_id)
    event = (await receiver.last(ends_as)).event
    assert event["data"]["reason"] == "ended_by_api"
    assert network.stats()["open"] == 0
    if ends_as == "call.completed":
        assert 0 <= event["data"]["duration_seconds"] < 5000
        analysis = (await receiver.last("call.analyzed")).event["data"]
        assert analysis["duration_seconds"] == event["data"]["duration_seconds"]


async def test_ending_a_call_that_is_over_changes_nothing(
    network: SimulatedNetwork, provider: SimulatedProvider, receiver: Receiver, order: Order
) -> None:
    behave(network, Behaviour.BUSY)
    placed = await provider.place(order())
    await receiver.last("call.busy")
    ended_at = only_call(network).ended_at
    await provider.end(placed.provider_call_id)
    await provider.end(placed.provider_call_id)
    assert only_call(network).status is CallStatus.BUSY
    assert only_call(network).ended_at == ended_at
    assert [at for at, _ in network.simulation.network.history.changes][-1] == ended_at


async def test_a_line_brings_its_own_people(
    network: SimulatedNetwork, connect: Connect, receiver: Receiver, order: Order
) -> None:
    provider = connect(options={"people": {"weights": {"busy": 1}}})
    await provider.place(order())
    await receiver.last("call.busy")
    assert network.simulation.settings().people.weights == {Behaviour.ANSWER: 1}


async def test_an_agent_brings_its_own_people(
    connect: Connect, receiver: Receiver, order: Order
) -> None:
    provider = connect(options={"people": {"weights": {"answer": 1}}})
    await provider.place(order(agent_settings={"people": {"weights": {"busy": 1}}}))
    await receiver.last("call.busy")


async def test_calls_are_stamped_by_the_clock_that_was_given(receiver: Receiver) -> None:
    noon = datetime(2031, 5, 6, 12, tzinfo=UTC)
    async with (
        SimulatedNetwork(clock=lambda: noon) as network,
        httpx.AsyncClient(
            base_url=network.base_url,
            headers={"authorization": f"Bearer {network.api_key}"},
            trust_env=False,
        ) as api,
    ):
        body = {
            "to": NUMBER,
            "agent": "reminder",
            "webhook_url": receiver.url,
            "model": {"weights": {"busy": 1}, "dial_seconds": [0, 0]},
        }
        await api.post("/v1/calls", json=body)
        webhook = await receiver.last("call.busy")
    assert webhook.event["timestamp"] == "2031-05-06T12:00:00+00:00"
    assert webhook.headers["webhook-timestamp"] == str(int(noon.timestamp()))
