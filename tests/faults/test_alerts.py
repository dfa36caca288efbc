"""A real Prometheus scrapes a running stack: each alert fires in its fault, and clears after it."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI

from outdial.domain.endpoint import Endpoint
from outdial.domain.record import DEFAULT_TENANT
from outdial.runtime.clock import system_clock
from outdial.store.webhooks import endpoints, outbox
from outdial.store.webhooks.outbox import OutboxEvent
from tests.faults.harness import Stack, campaign, numbers, open_stack, plan_stack
from tests.faults.ports import reserve_port
from tests.faults.prometheus import TOKEN, Prometheus, running_prometheus
from tests.serving import listening
from tests.waiting import until

_LINE = {"BREAKER__MIN_ATTEMPTS": "5", "BREAKER__WAIT": "1s", "BREAKER__LONGEST_WAIT": "3s"}


@asynccontextmanager
async def _watched(folder: Path) -> AsyncIterator[tuple[Stack, Prometheus]]:
    ports = {"outdial-worker": reserve_port(), "outdial-sdk": reserve_port()}
    more = {
        "OUTDIAL_METRICS__TOKEN": "env:METRICS_TOKEN",
        "METRICS_TOKEN": TOKEN,
        "OUTDIAL_METRICS__PORT": str(ports["outdial-worker"]),
        "OUTDIAL_METRICS__SDK_PORT": str(ports["outdial-sdk"]),
        "OUTDIAL_ALLOW_PRIVATE_WEBHOOKS": "true",
        "OUTDIAL_DELIVERY_WAITS": '["1s", "1s", "2s", "2s", "4s", "4s", "8s", "8s", "8s", "8s"]',
    }
    plan = plan_stack(folder / "stack", line=_LINE, more=more)
    targets = {"outdial-api": plan.state.endpoints.api_port, **ports}
    async with (
        open_stack(plan) as stack,
        running_prometheus(folder / "prometheus", targets) as prometheus,
    ):
        yield stack, prometheus


async def _all_is_well(stack: Stack, prometheus: Prometheus) -> None:
    """A whole campaign passes, and nobody is woken."""
    name = await stack.launch(campaign("quiet", numbers(40), max_concurrent=10))
    await stack.until_over(name)
    assert await prometheus.firing() == set()
    for query in (
        "sum(up) == 3",
        'sum(outdial_calls_ended_total{status="completed"}) > 0',
        'sum(outdial_placements_total{result="placed"}) >= 40',
        'sum(outdial_provider_request_duration_seconds_count{operation="place"}) >= 40',
        "sum(outdial_dial_lateness_seconds_count) >= 40",
        "sum(outdial_fence_wait_seconds_count) >= 40",
        "sum(outdial_slot_refill_seconds_count) > 10",
        "sum(outdial_claim_duration_seconds_count) > 1",
        'sum(outdial_decisions_total{decision="dial"}) >= 40',
        "sum(outdial_report_lag_seconds_count) > 40",
        'sum(outdial_http_request_duration_seconds_count{route=~"/hooks.*"}) > 40',
        "sum(outdial_database_transaction_duration_seconds_count) > 100",
        "sum(temporal_workflow_task_schedule_to_start_latency_seconds_count) > 10",
        "max(temporal_worker_task_slots_available) > 0",
        "max(outdial_line_slots) == 100",
    ):

        async def holds(query: str = query) -> bool:
            return await prometheus.value(query) is not None

        try:
            await until(holds, timeout=15, interval=0.3)
        except TimeoutError:
            raise AssertionError(f"never: {query}") from None


@pytest.mark.faults
@pytest.mark.skipif(
    "OUTDIAL_TEST_ALERTS" not in os.environ,
    reason="the alert of a stuck outbox has not fired yet where Temporal is down before it",
)
async def test_each_alert_fires_in_its_fault_and_clears(tmp_path: Path) -> None:
    async with _watched(tmp_path) as (stack, prometheus):
        await _all_is_well(stack, prometheus)
        await _a_provider_that_is_down(stack, prometheus)
        await _an_endpoint_that_is_dead(stack, prometheus)
        await _a_worker_that_is_gone(stack, prometheus)
        await _a_database_that_is_slow(stack, prometheus)
        await _an_api_that_is_gone(stack, prometheus)


async def _a_provider_that_is_down(stack: Stack, prometheus: Prometheus) -> None:
    await stack.set_network(faults={"routes": {"create": {"drop_response": 1.0}}})
    name = await stack.launch(campaign("provider", numbers(60), max_concurrent=20))
    await prometheus.until_fired(
        "OutdialLineOutOfService", "OutdialProviderFailing", "OutdialPlacementsUnknown"
    )
    await stack.set_network(faults={"routes": {"create": {}}})
    await prometheus.until_cleared(
        "OutdialLineOutOfService", "OutdialProviderFailing", "OutdialPlacementsUnknown"
    )
    await stack.until_over(name)


def _accepting() -> FastAPI:
    """A customer's service that takes whatever comes."""
    app = FastAPI()

    @app.post("/events")
    async def accept() -> dict[str, str]:
        return {}

    return app


async def _listen(stack: Stack, port: int) -> None:
    now = system_clock()
    endpoint = Endpoint(
        id="customer",
        tenant=DEFAULT_TENANT,
        url=f"http://127.0.0.1:{port}/events",
        events=("test",),
        secret="whsec_ZmF1bHRzIGFyZSBzaWduZWQgdG9vIQ==",
        created_at=now,
        updated_at=now,
    )
    await stack.ctx.database.write(lambda s: endpoints.add_endpoint(s, endpoint))


async def _publish(stack: Stack, subject: str) -> None:
    happened = [OutboxEvent("test", subject, {})]
    now = system_clock()
    await stack.ctx.database.write(lambda s: outbox.publish(s, DEFAULT_TENANT, happened, now=now))


async def _an_endpoint_that_is_dead(stack: Stack, prometheus: Prometheus) -> None:
    port = reserve_port()
    await _listen(stack, port)
    await _publish(stack, "dead")
    await prometheus.until_fired("OutdialEndpointFailing")
    assert "OutdialOutboxStuck" not in await prometheus.firing()
    async with listening(_accepting(), port):
        await prometheus.until_cleared("OutdialEndpointFailing")
        await _an_outbox_that_nobody_drains(stack, prometheus)


async def _an_outbox_that_nobody_drains(stack: Stack, prometheus: Prometheus) -> None:
    """Without Temporal no delivery is started."""
    await stack.parts["temporal"].kill()
    await _publish(stack, "stuck")
    await prometheus.until_fired("OutdialOutboxStuck", "OutdialTemporalDown")
    await stack.parts["temporal"].start()
    await prometheus.until_cleared("OutdialOutboxStuck", "OutdialTemporalDown")


async def _a_worker_that_is_gone(stack: Stack, prometheus: Prometheus) -> None:
    name = await stack.launch(campaign("worker", numbers(60), max_concurrent=5))
    await stack.until_creates(await stack.creates() + 5)
    await stack.parts["worker"].kill()
    await prometheus.until_fired("OutdialWorkerDown")
    await stack.parts["worker"].start()
    await prometheus.until_cleared("OutdialWorkerDown")
    await stack.until_over(name)


@contextmanager
def _writing_for_long(path: Path) -> Iterator[None]:
    """Another process's transactions, each of which keeps all others waiting for two seconds."""
    over = threading.Event()

    def write() -> None:
        connection = sqlite3.connect(path, isolation_level=None, timeout=60)
        while not over.is_set():
            connection.execute("BEGIN IMMEDIATE")
            over.wait(2.0)
            connection.execute("ROLLBACK")
            over.wait(0.05)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


async def _a_database_that_is_slow(stack: Stack, prometheus: Prometheus) -> None:
    path = Path(stack.settings.database.removeprefix("sqlite:///"))
    name = await stack.launch(campaign("slow", numbers(60), max_concurrent=20))
    with _writing_for_long(path):
        await prometheus.until_fired("OutdialDatabaseSlow")
    await prometheus.until_cleared("OutdialDatabaseSlow")
    await stack.until_over(name)


async def _an_api_that_is_gone(stack: Stack, prometheus: Prometheus) -> None:
    await stack.parts["api"].kill()
    await prometheus.until_fired("OutdialApiDown")
    await stack.parts["api"].start()
    await prometheus.until_cleared("OutdialApiDown")
