"""The worker: carries out workflows and their activities until it is stopped.

`python worker.py`. It drains on SIGTERM and SIGINT: no new work, activities finish, then it ends.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import uvloop
from sqlalchemy.exc import OperationalError, ProgrammingError
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from activities.callback_runs import CallbackRuns
from activities.calls import Calls
from activities.campaigns import Campaigns
from activities.deliveries import Deliveries
from activities.launching import Launches
from activities.measuring import expect_lines
from activities.posting import Poster
from activities.requests import Requests
from activities.sweeps import Sweeps
from outdial.contracts.names import CALL_QUEUE, CALLBACK_QUEUE, DELIVERY_QUEUE, TASK_QUEUE
from outdial.metrics.database import observe_transaction
from outdial.resources.resources import Resources
from outdial.runtime.clock import DatabaseClock, keeping_time
from outdial.runtime.connection import (
    TemporalMismatch,
    TemporalUnreachable,
    connect_temporal,
    ensure_sweep_schedule,
    refusal_of,
    register_search_attributes,
    restore_sweep_schedule,
)
from outdial.runtime.integrations import build_integrations
from outdial.runtime.lines import build_lines, require_serving
from outdial.runtime.log_interceptor import LogInterceptor
from outdial.runtime.logging import set_up_logging
from outdial.runtime.metrics import serving_metrics, temporal_runtime
from outdial.runtime.resources import build_resources
from outdial.runtime.schema import wrong_schema
from outdial.runtime.settings.file import SettingsInvalid
from outdial.runtime.settings.settings import Settings, load_settings
from outdial.runtime.temporal_config import release_clients
from outdial.services.campaigns.awaiting import AwaitedLaunches
from outdial.services.campaigns.file_additions import FileAdditions
from outdial.services.nexus import OutdialServiceHandler
from outdial.services.operations.lines import announce_lines
from outdial.services.operations.maintenance import MaintenanceLoop
from outdial.store.db.database import Database, DatabaseUnavailable
from workflows.registry import WORKFLOWS, workflow_runner

log = logging.getLogger("outdial.worker")

CONNECT_WITHIN = timedelta(seconds=60)
"""In the embedded stack and in docker compose Temporal starts at the same time."""
CACHED_WORKFLOWS = 4000
"""Calls in flight and their campaigns: one that falls out is replayed at every step."""
WORKFLOW_TASKS = 50
"""Python runs one at a time; more only wait here instead of in the queue."""
SHORT_ACTIVITIES = 50
"""They wait for the database, which has about ten connections."""
LOCAL_ACTIVITIES = 100
DRAINS = 100
"""Endpoints that are delivered to at the same time; ten times as many as one tenant may hold."""
CALL_ACTIVITIES = 200
"""They wait for providers: as many as one claim may start."""
CALLBACK_ACTIVITIES = 200
"""They wait for other people's systems, which may hang; calls do not wait for them. Five times as
many as one tenant may hold."""


def main() -> None:
    try:
        settings = load_settings()
        require_serving(settings)
        set_up_logging(settings.log_level, settings.log_format)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work(settings, stop_on_signals=True))
    except (SettingsInvalid, TemporalUnreachable, TemporalMismatch, DatabaseUnavailable) as error:
        sys.exit(str(error))
    except (OperationalError, ProgrammingError) as error:
        sys.exit(wrong_schema(error))
    except RPCError as error:
        sys.exit(refusal_of(error))
    finally:
        release_clients()


async def work(
    settings: Settings, *, stop: asyncio.Event | None = None, stop_on_signals: bool = False
) -> None:
    """Work until `stop` is set, or a signal comes; then drain.

    Raises SettingsInvalid, TemporalUnreachable, TemporalMismatch, DatabaseUnavailable.
    """
    stop = stop or asyncio.Event()
    if stop_on_signals:
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
    lines, integrations = build_lines(settings), build_integrations(settings)
    database = Database(
        settings.database, daily_ceiling=settings.daily_ceiling, observe=observe_transaction
    )
    try:
        client = await connect_temporal(
            settings, within=CONNECT_WITHIN, runtime=temporal_runtime(settings)
        )
        clock = DatabaseClock(database)
        resources = build_resources(settings, database, client, lines, clock, integrations)
        await announce_lines(resources)
        await register_search_attributes(client)
        await ensure_sweep_schedule(client, settings)
        async with AsyncExitStack() as running:
            await running.enter_async_context(keeping_time(clock))
            expect_lines(lines)
            running.enter_context(serving_metrics(settings))
            await _start(running, resources, settings)
            log.info("working on %s with lines %s", client.namespace, ", ".join(lines))
            await stop.wait()
            log.info("draining")
    finally:
        await lines.aclose()
        database.dispose()


async def _start(running: AsyncExitStack, resources: Resources, settings: Settings) -> None:
    """Start everything that works, to be drained when `running` is left."""
    client, drain_within = resources.temporal, settings.drain_within
    workers = build_workers(
        client,
        resources,
        workflow_sandbox=settings.workflow_sandbox,
        drain_within=drain_within,
    )
    for worker in workers:
        await running.enter_async_context(worker)
    await running.enter_async_context(delivery_worker(client, resources, drain_within=drain_within))
    maintenance = MaintenanceLoop(
        resources,
        settings.keep_deliveries,
        restore=partial(restore_sweep_schedule, client, settings),
    )
    await running.enter_async_context(maintenance)


def build_workers(
    client: Client,
    resources: Resources,
    *,
    workflow_sandbox: bool,
    drain_within: timedelta = timedelta(seconds=5),
    **more: Any,
) -> tuple[Worker, Worker, Worker]:
    """One worker for workflows and short activities, one for requests to providers, and one for
    callbacks."""
    calls = Calls(resources)
    workflows = Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=list(WORKFLOWS),
        activities=[calls.end_call, *_short_activities(resources)],
        nexus_service_handlers=[OutdialServiceHandler(resources, resources.nexus_scopes)],
        workflow_runner=workflow_runner(sandboxed=workflow_sandbox),
        max_cached_workflows=CACHED_WORKFLOWS,
        max_concurrent_workflow_tasks=WORKFLOW_TASKS,
        max_concurrent_activities=SHORT_ACTIVITIES,
        max_concurrent_local_activities=LOCAL_ACTIVITIES,
        graceful_shutdown_timeout=drain_within,
        interceptors=[LogInterceptor()],
        **more,
    )
    dialers = Worker(
        client,
        task_queue=CALL_QUEUE,
        activities=[calls.place_call, calls.look_up_call, calls.hang_up_call],
        max_concurrent_activities=CALL_ACTIVITIES,
        graceful_shutdown_timeout=drain_within,
        interceptors=[LogInterceptor()],
    )
    callbacks = CallbackRuns(resources)
    callback_worker = Worker(
        client,
        task_queue=CALLBACK_QUEUE,
        activities=[callbacks.run_callback, callbacks.undo_callback],
        max_concurrent_activities=CALLBACK_ACTIVITIES,
        graceful_shutdown_timeout=drain_within,
        interceptors=[LogInterceptor()],
    )
    return workflows, dialers, callback_worker


@asynccontextmanager
async def delivery_worker(
    client: Client, resources: Resources, *, drain_within: timedelta = timedelta(seconds=5)
) -> AsyncIterator[Worker]:
    """What talks to customers' URLs, apart from the rest: they answer when they like."""
    poster = Poster(
        resources.clock,
        allow_private=resources.allow_private_webhooks,
        egress=resources.integrations.egress,
    )
    worker = Worker(
        client,
        task_queue=DELIVERY_QUEUE,
        activities=[Deliveries(resources, poster).drain_endpoint],
        max_concurrent_activities=DRAINS,
        graceful_shutdown_timeout=drain_within,
        interceptors=[LogInterceptor()],
    )
    try:
        async with worker:
            yield worker
    finally:
        await poster.aclose()


def _short_activities(resources: Resources) -> list[Callable[..., Any]]:
    campaigns = Campaigns(resources, FileAdditions(resources))
    requests, sweeps = Requests(resources), Sweeps(resources)
    callbacks = CallbackRuns(resources)
    return [
        callbacks.read_callback_run,
        callbacks.note_callback,
        callbacks.finish_callback_run,
        campaigns.enroll_recipients,
        campaigns.claim_calls,
        campaigns.set_campaign_state,
        campaigns.apply_revision,
        campaigns.finish_campaign,
        campaigns.add_recipients,
        campaigns.hang_up_calls,
        campaigns.read_progress,
        Launches(AwaitedLaunches(resources), resources.campaigns_dir).launch_campaign,
        requests.enroll_request,
        requests.read_request,
        requests.withdraw_request,
        sweeps.sweep_leases,
        sweeps.sweep_events,
        sweeps.sweep_campaigns,
        sweeps.sweep_requests,
    ]


if __name__ == "__main__":
    main()
