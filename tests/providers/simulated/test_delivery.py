"""How webhooks are delivered when the receiver does not play along."""

from __future__ import annotations

import pytest

from outdial.providers.adapters.simulated.client import SimulatedProvider
from outdial.providers.simulated.http import delivery
from outdial.providers.simulated.http.server import SimulatedNetwork
from outdial.providers.simulated.telephony.person import Behaviour
from tests.providers.simulated.conftest import Order, behave, settled
from tests.providers.simulated.receiver import Receiver, Reply

ANSWERED = ["call.ringing", "call.in_progress", "call.completed", "call.analyzed"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "BACKOFF_SECONDS", (0.01, 0.02, 0.03, 0.04))


@pytest.mark.parametrize("status", [500, 503, 404, 302, 0, None])
async def test_a_webhook_that_fails_is_sent_again_in_order(
    network: SimulatedNetwork,
    provider: SimulatedProvider,
    receiver: Receiver,
    order: Order,
    monkeypatch: pytest.MonkeyPatch,
    status: int | None,
) -> None:
    if status is None:
        monkeypatch.setattr(delivery, "ANSWER_WITHIN_SECONDS", 0.2)
    receiver.replies.extend([Reply(status)] * 2)
    await provider.place(order())
    counts = await settled(network, 4)
    assert receiver.types == ["call.ringing", "call.ringing", *ANSWERED]
    assert len(set(receiver.ids[:3])) == 1
    assert (counts["sent"], counts["retried"], counts["delivered"]) == (6, 2, 4)


async def test_a_webhook_nobody_takes_is_given_up_and_the_next_is_sent(
    network: SimulatedNetwork,
    provider: SimulatedProvider,
    receiver: Receiver,
    order: Order,
) -> None:
    receiver.replies.extend([Reply(503)] * 5)
    await provider.place(order())
    counts = await settled(network, 4)
    assert receiver.types == ["call.ringing"] * 5 + ANSWERED[1:]
    assert (counts["failed"], counts["delivered"], counts["retried"]) == (1, 3, 4)


@pytest.mark.parametrize("url", ["ftp://x/", "http://", "http://x:99999999/", "http://x /"])
async def test_an_address_that_leads_nowhere_is_a_failed_delivery(
    network: SimulatedNetwork, provider: SimulatedProvider, order: Order, url: str
) -> None:
    behave(network, Behaviour.BUSY)
    await provider.place(order(webhook_url=url))
    assert (await settled(network, 1))["failed"] == 1


async def test_a_slow_receiver_of_one_call_delays_no_other(
    network: SimulatedNetwork,
    provider: SimulatedProvider,
    receiver: Receiver,
    order: Order,
) -> None:
    network.configure({"people": {"weights": {"busy": 1}}})
    receiver.replies.append(Reply(None))
    await provider.place(order())
    await receiver.count(1)
    await provider.place(order("+12025550102", call_id="our-2"))
    await receiver.count(2)
    assert receiver.received[1].event["data"]["to"] == "+12025550102"
