"""Draining outboxes: webhooks to customers' URLs, in order for each subject."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session
from temporalio import activity

from activities.heartbeat import finished, heartbeating
from activities.posting import Poster
from activities.shares import TenantTurns
from outdial.contracts.signatures.delivery import DeliveryActivities, Drained, EndpointRef
from outdial.domain.endpoint import Delivery
from outdial.metrics.webhooks import DELIVERY_LAG, DELIVERY_SECONDS
from outdial.resources.resources import Resources
from outdial.store.webhooks import deliveries, outstanding, queues
from outdial.store.webhooks.deliveries import Due, Outcome

AT_ONCE = 10
"""Requests to one endpoint at the same time, each about another subject."""
LINGER = timedelta(seconds=2)
"""How long an empty outbox is watched for more before the drain ends: starting another one costs
a run in Temporal."""
LOOK_EVERY = timedelta(milliseconds=200)
LONGEST = timedelta(seconds=60)
"""One execution of the drain; the workflow starts another."""
DRAINS_OF_TENANT = 10
"""Drains of one tenant at the same time in one worker, a tenth of the places: a tenant whose
endpoints hang delays only its own deliveries."""
TURN = timedelta(seconds=1)
"""How long a busy endpoint may send on while others of its tenant wait for a place."""
BUSY_WAIT = timedelta(seconds=3)
"""When a tenant's places are taken."""


class Deliveries(DeliveryActivities):
    def __init__(self, resources: Resources, poster: Poster) -> None:
        self._resources = resources
        self._poster = poster
        self._shares = TenantTurns(DRAINS_OF_TENANT, keep=2 * BUSY_WAIT.total_seconds())

    @activity.defn(name="drain_endpoint")
    async def drain_endpoint(self, endpoint: EndpointRef) -> Drained:
        with self._shares.turn(endpoint.tenant, endpoint.endpoint_id) as held:
            if not held:
                return Drained(sent=0, wake_at=self._resources.clock() + BUSY_WAIT)
            return await self._drain(endpoint)

    async def _drain(self, endpoint: EndpointRef) -> Drained:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        end = begun + LONGEST.total_seconds()
        idle_until = loop.time() + LINGER.total_seconds()
        sent = 0
        async with heartbeating():
            while loop.time() < min(end, idle_until) and not activity.is_worker_shutdown():
                some, taken = await finished(self._send_some(endpoint))
                sent += some
                if some and not taken:
                    break  # it fails, so its place is free for another
                if self._shares.wanted(endpoint.tenant) and (
                    not some or loop.time() - begun >= TURN.total_seconds()
                ):
                    break  # another endpoint of the tenant was turned away
                if some:
                    idle_until = loop.time() + LINGER.total_seconds()
                else:
                    await asyncio.sleep(LOOK_EVERY.total_seconds())
        wake_at = await self._resources.database.write(
            lambda s: outstanding.rest(s, endpoint.endpoint_id)
        )
        return Drained(sent=sent, wake_at=wake_at)

    async def _send_some(self, endpoint: EndpointRef) -> tuple[int, int]:
        """How many requests were made, and how many of them were taken."""
        now = self._resources.clock()
        outbox = await self._find_due(endpoint, now)
        to, due = outbox.to, outbox.deliveries
        if to is None or not due:
            return 0, 0
        outcomes = await asyncio.gather(*(self._poster.post(to, one) for one in due))
        await self._record(due, outcomes)
        for delivery, outcome in zip(due, outcomes, strict=True):
            self._observe(delivery, outcome)
        return len(due), sum(outcome.delivered for outcome in outcomes)

    def _observe(self, delivery: Delivery, outcome: Outcome) -> None:
        if outcome.nothing:
            return  # nothing was sent
        answered = "unanswered" if outcome.attempt.status is None else "refused"
        result = "delivered" if outcome.delivered else answered
        DELIVERY_SECONDS.labels(result).observe(outcome.attempt.duration_ms / 1000)
        if outcome.delivered:
            lag = self._resources.clock() - delivery.created_at
            DELIVERY_LAG.observe(max(0.0, lag.total_seconds()))

    async def _find_due(self, endpoint: EndpointRef, now: datetime) -> Due:
        """What is due, and what deliveries behind others have hidden from the first look."""
        database, endpoint_id = self._resources.database, endpoint.endpoint_id
        while True:
            outbox = await database.read(
                lambda s: deliveries.due(s, endpoint_id, now=now, limit=AT_ONCE)
            )
            if not outbox.crowded:
                return outbox
            aside = await database.write(lambda s: queues.set_aside(s, endpoint_id, now=now))
            if not aside or outbox.deliveries:
                return outbox

    async def _record(self, sent: Sequence[Delivery], outcomes: Sequence[Outcome]) -> None:
        now, waits = self._resources.clock(), self._resources.delivery_waits

        def work(s: Session) -> None:
            for delivery, outcome in zip(sent, outcomes, strict=True):
                deliveries.record_outcome(s, delivery, outcome, now=now, waits=waits)

        await self._resources.database.write(work)
