"""Webhooks out, while the endpoint fails, is away, and the worker that sends them is killed.

What is promised: each event is taken at least once, with one `webhook-id`, in order for each
call; once more only where the endpoint's success was lost with the worker that awaited it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections import Counter, defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from outdial.domain.call.status import OPTED_OUT
from outdial.domain.endpoint import Delivery, DeliveryAttempt, DeliveryState
from outdial.services.webhooks.endpoints import create_endpoint
from outdial.store.webhooks import deliveries
from outdial.store.webhooks.deliveries import DeliveryFilter
from tests.faults.harness import Stack, campaign, numbers, open_stack, plan_stack
from tests.faults.invariants import Aftermath
from tests.receiver import Receiver, receiving
from tests.waiting import until

log = logging.getLogger(__name__)

RECIPIENTS = 40
SETTINGS = {
    "OUTDIAL_ALLOW_PRIVATE_WEBHOOKS": "true",
    # Seconds in place of hours, and so many that nothing is given up.
    "OUTDIAL_DELIVERY_WAITS": json.dumps(["1s"] * 200),
}
Log = list[tuple[Delivery, list[DeliveryAttempt]]]


@dataclass
class Customer:
    """A customer's server that can be away, and our log of what it was sent."""

    stack: Stack
    receiver: Receiver = field(default_factory=Receiver)
    endpoint_id: str = ""
    _opened: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def open(self) -> None:
        port = urlsplit(self.receiver.url).port or 0
        await self._opened.enter_async_context(receiving(self.receiver, port))

    async def close(self) -> None:
        await self._opened.aclose()

    async def register(self) -> None:
        ctx = replace(self.stack.ctx, allow_private_webhooks=True)
        self.endpoint_id = (await create_endpoint(ctx, self.receiver.url)).id

    async def log(self) -> Log:
        """Oldest first."""
        chosen = DeliveryFilter(endpoint_id=self.endpoint_id)
        return await self.stack.ctx.database.read(
            lambda s: [
                (one, deliveries.attempts_of(s, one.id))
                for one in reversed(
                    deliveries.list_deliveries(s, self.stack.ctx.tenant, chosen, limit=100_000)
                )
            ]
        )

    async def refused(self) -> int:
        """How many of our requests found nobody listening."""
        tries = [attempt for _, made in await self.log() for attempt in made]
        return sum((attempt.error or "").startswith("ConnectError") for attempt in tries)

    async def until_taken(self, count: int) -> None:
        async def taken() -> bool:
            self.stack.check_parts()
            return len(self.receiver.taken) >= count

        await until(taken, timeout=60)

    async def until_refused(self, count: int) -> None:
        async def refused() -> bool:
            self.stack.check_parts()
            return await self.refused() >= count

        await until(refused, timeout=60, interval=0.2)

    async def until_nothing_is_pending(self) -> None:
        async def drained() -> bool:
            self.stack.check_parts()
            return all(one.state is not DeliveryState.PENDING for one, _ in await self.log())

        await until(drained, timeout=120, interval=0.5)

    async def lost(self) -> Counter[str]:
        """How often it has taken the events of which we, being dead now, know nothing."""
        noted = {
            one.event_id for one, _ in await self.log() if one.state is DeliveryState.DELIVERED
        }
        return Counter(delivery.id for delivery in self.receiver.taken if delivery.id not in noted)


async def _kill_before_an_answer_arrives(customer: Customer) -> Counter[str]:
    """The customer takes an event, and the worker dies before it hears of it."""
    worker = customer.stack.parts["worker"]
    usual, killing = customer.receiver.answer, asyncio.Event()
    tasks = []

    def answer(number: int) -> int:
        if not killing.is_set():
            killing.set()
            tasks.append(asyncio.create_task(worker.kill()))  # before the answer is written
        return 200

    customer.receiver.answer = answer
    await killing.wait()
    await asyncio.gather(*tasks)
    customer.receiver.answer = usual
    lost = await customer.lost()
    await worker.start()
    return lost


async def _kill_while_nobody_listens(customer: Customer) -> Counter[str]:
    worker = customer.stack.parts["worker"]
    await customer.close()
    await customer.until_refused(5)
    await worker.kill()
    lost = await customer.lost()
    before = await customer.refused()
    await worker.start()
    await customer.until_refused(before + 5)
    await customer.open()
    return lost


def _assert_in_order(receiver: Receiver, sent: Log) -> None:
    """An event is sent only after all earlier ones about the same call were taken."""
    subjects: dict[str, list[str]] = defaultdict(list)
    for one, _ in sent:
        subjects[one.subject].append(one.event_id)
    subject_of = {one.event_id: one.subject for one, _ in sent}
    taken: set[str] = set()
    for delivery in receiver.received:
        order = subjects[subject_of[delivery.id]]
        assert taken.issuperset(order[: order.index(delivery.id)]), order
        if 200 <= delivery.status < 300:
            taken.add(delivery.id)


def _assert_each_delivered_enough(receiver: Receiver, sent: Log, lost: Counter[str]) -> None:
    """Noted as taken once, by its last try; taken once, and once more for each lost answer."""
    for one, tries in sent:
        good = [200 <= (each.status or 0) < 300 for each in tries]
        assert one.state is DeliveryState.DELIVERED
        assert good == [False] * (len(tries) - 1) + [True]
    taken = Counter(delivery.id for delivery in receiver.taken)
    assert taken == Counter(one.event_id for one, _ in sent) + lost


def _assert_stories(sent: Log, aftermath: Aftermath, name: str) -> None:
    """Everything that happened was told: each call from its start to its very end."""
    stories: dict[str, list[str]] = defaultdict(list)
    for one, _ in sent:
        stories[one.subject].append(one.type)
    assert stories.pop(f"campaign/{name}") == ["campaign.started", "campaign.finished"]
    calls = {subject: story for subject, story in stories.items() if subject.startswith("call/")}
    assert {story[0] for story in calls.values()} == {"call.initiating"}
    ends = {f"call/{call.id}": f"call.{call.status}" for call in aftermath.calls}
    assert {subject: story[-1] for subject, story in calls.items()} == ends
    suppressed = [story for subject, story in stories.items() if subject not in calls]
    opted_out = sum(outcome == OPTED_OUT for outcome, _ in aftermath.finals().values())
    assert suppressed == [["recipient.suppressed"]] * opted_out


@pytest.mark.faults
async def test_an_endpoint_that_fails_and_is_away_while_the_worker_dies(tmp_path: Path) -> None:
    dice = random.Random(7)
    async with open_stack(plan_stack(tmp_path, more=SETTINGS)) as stack:
        customer = Customer(stack)
        customer.receiver.answer = lambda number: 200 if dice.random() < 0.5 else 503
        await customer.open()
        try:
            await customer.register()
            name = await stack.launch(campaign("told", numbers(RECIPIENTS), max_concurrent=10))
            await customer.until_taken(20)
            lost = await _kill_before_an_answer_arrives(customer)
            assert lost, "the answer that was to be lost has arrived"
            await customer.until_taken(60)
            # On a busy host an answer that was lost first may not have been asked for again yet.
            lost |= await _kill_while_nobody_listens(customer)
            await stack.until_over(name)
            await customer.until_nothing_is_pending()
        finally:
            await customer.close()
        sent, aftermath = await customer.log(), await stack.aftermath(name)
    deliveries = customer.receiver.received
    log.info("%d events, %d requests, lost answers: %s", len(sent), len(deliveries), lost)
    assert len(deliveries) > 1.5 * len(sent), "it was to fail half the time"
    _assert_each_delivered_enough(customer.receiver, sent, lost)
    _assert_in_order(customer.receiver, sent)
    _assert_stories(sent, aftermath, name)
