"""Checks of Temporal: that it answers, what has to be registered there, its workers, its clock."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueKind, TaskQueueType
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeTaskQueueRequest,
    GetSystemInfoRequest,
    PollWorkflowTaskQueueRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from outdial.contracts.names import (
    CALL_QUEUE,
    CALLBACK_QUEUE,
    DELIVERY_QUEUE,
    SWEEP_SCHEDULE,
    TASK_QUEUE,
)
from outdial.runtime.clock import TOLERATED
from outdial.runtime.connection import (
    TemporalMismatch,
    TemporalUnreachable,
    connect_temporal,
    lacking_search_attributes,
)
from outdial.runtime.doctor.finding import Finding, from_error, ok, problem, skipped, warning
from outdial.runtime.settings.settings import Settings
from outdial.runtime.temporal_config import temporal_address

TESTED = (1, 32)
"""The server of docker-compose.yml, with which the tests run."""
POLLED_WITHIN = timedelta(seconds=100)
"""A worker's poll lasts up to a minute, so a worker that lives has begun one since then."""
_PROBE_QUEUE = "outdial-doctor"
"""Nobody puts tasks into it: a poll of it is answered with the server's time, and nothing else."""
_PROBE_SECONDS = 5.0
_WITHIN = timedelta(seconds=5)
_WORKFLOW = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
_ACTIVITY = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
_QUEUES = (
    (TASK_QUEUE, _WORKFLOW, "workflows"),
    (TASK_QUEUE, _ACTIVITY, "short activities"),
    (CALL_QUEUE, _ACTIVITY, "requests to providers"),
    (CALLBACK_QUEUE, _ACTIVITY, "callbacks"),
    (DELIVERY_QUEUE, _ACTIVITY, "webhooks"),
)


async def check_temporal_server(settings: Settings, clock: Callable[[], datetime]) -> list[Finding]:
    """Every check of Temporal; those that depend on one that failed are left out."""
    try:
        client = await connect_temporal(settings)
    except TemporalUnreachable as error:
        return [from_error("temporal", "temporal_unreachable", str(error))]
    try:
        first = [await _server(client, settings), await _namespace(client)]
        if any(each.code == "namespace_missing" for each in first):
            return first
        server_time, ahead = await _time_of_server(client, clock)
        return [
            *first,
            _clock(ahead),
            await _search_attributes(client),
            await check_sweeps(client),
            *await _workers(client, server_time),
        ]
    except RPCError as error:
        return [_refused("temporal", error)]


async def _server(client: Client, settings: Settings) -> Finding:
    info = await client.workflow_service.get_system_info(GetSystemInfoRequest(), timeout=_WITHIN)
    text = f"server {info.server_version} at {temporal_address(settings)} answers"
    if _is_older(info.server_version):
        tested = ".".join(map(str, TESTED))
        return warning(
            "temporal",
            "temporal_older",
            f"{text}; it is older than {tested}, with which this version was tested",
            f"upgrade the Temporal server to {tested} or later",
        )
    return ok("temporal", text)


def _is_older(version: str) -> bool:
    """Whether a server is older than the tested one; Temporal Cloud names no such version."""
    parts = version.split(".")[:2]
    return len(parts) == 2 and all(map(str.isdigit, parts)) and tuple(map(int, parts)) < TESTED


async def _namespace(client: Client) -> Finding:
    name = client.namespace
    try:
        await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=name), timeout=_WITHIN
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return problem(
                "namespace",
                "namespace_missing",
                f"Temporal has no namespace {name}",
                f"create it (`temporal operator namespace create --namespace {name}`), or correct "
                "TEMPORAL_NAMESPACE",
            )
        return _refused("namespace", error)
    return ok("namespace", name)


async def _search_attributes(client: Client) -> Finding:
    check = "search attributes"
    try:
        lacking = await lacking_search_attributes(client)
    except TemporalMismatch as error:
        return problem(
            check,
            "search_attribute_type",
            str(error),
            "rename or remove that attribute, or use another namespace; then `outdial setup`",
        )
    if lacking:
        return problem(
            check,
            "search_attributes_missing",
            f"namespace {client.namespace} has no {', '.join(lacking)}",
            "run `outdial setup`",
        )
    return ok(check, "all are registered")


async def check_sweeps(client: Client) -> Finding:
    try:
        described = await client.get_schedule_handle(SWEEP_SCHEDULE).describe(rpc_timeout=_WITHIN)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            return _refused("sweeps", error)
        return problem(
            "sweeps",
            "sweeps_missing",
            f"there is no schedule {SWEEP_SCHEDULE}, so nothing repairs what a crash leaves behind",
            "run `outdial setup`, or start a worker",
        )
    state = described.schedule.state
    if state.paused:
        return warning(
            "sweeps",
            "sweeps_paused",
            f"the schedule {SWEEP_SCHEDULE} is paused: {state.note or 'no note'}",
            f"resume it: `temporal schedule toggle --schedule-id {SWEEP_SCHEDULE} --unpause`",
        )
    return ok("sweeps", f"scheduled as {SWEEP_SCHEDULE}")


async def _workers(client: Client, now: datetime) -> list[Finding]:
    """One finding where all queues are polled or none is; else one for each that is not."""
    polled = {(queue, kind): await _pollers(client, queue, kind) for queue, kind, _ in _QUEUES}
    absent = [
        (queue, what)
        for queue, kind, what in _QUEUES
        if not any(now - _last_poll(each) <= POLLED_WITHIN for each in polled[queue, kind])
    ]
    workers = {each.identity for pollers in polled.values() for each in pollers}
    if not absent:
        names = ", ".join(sorted(workers))
        return [ok("workers", f"{len(workers)} poll every task queue: {names}")]
    if len(absent) == len(_QUEUES):
        last = max((_last_poll(each) for some in polled.values() for each in some), default=None)
        since = "" if last is None else f"; the last one polled at {last:%Y-%m-%d %H:%M:%SZ}"
        return [
            problem(
                "workers",
                "no_workers",
                f"no worker polls the task queues{since}, so no campaign goes on",
                "start one: `python worker.py`, with the settings that this command has",
            )
        ]
    return [
        problem(
            "workers",
            "queue_not_polled",
            f"no worker polls the task queue {queue} ({what})",
            "look at the workers' logs, and restart those that run another version",
        )
        for queue, what in absent
    ]


async def _pollers(client: Client, queue: str, kind: TaskQueueType.ValueType) -> list[PollerInfo]:
    described = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queue, kind=TaskQueueKind.TASK_QUEUE_KIND_NORMAL),
            task_queue_type=kind,
        ),
        timeout=_WITHIN,
    )
    return list(described.pollers)


def _last_poll(poller: PollerInfo) -> datetime:
    return poller.last_access_time.ToDatetime(tzinfo=UTC)


async def _time_of_server(
    client: Client, clock: Callable[[], datetime]
) -> tuple[datetime, timedelta | None]:
    """The server's time, and by how much this host is ahead of it; None if it was not measured.

    No request answers with the server's time, but it notes when a task queue was last polled.
    """
    identity, sent = uuid.uuid4().hex, clock()
    poll = asyncio.create_task(_poll(client, identity))
    give_up = asyncio.get_running_loop().time() + _PROBE_SECONDS
    try:
        while asyncio.get_running_loop().time() < give_up:
            own = [
                _last_poll(each)
                for each in await _pollers(client, _PROBE_QUEUE, _WORKFLOW)
                if each.identity == identity
            ]
            received = clock()
            if own:
                return own[0] + (received - sent), _outside(own[0], sent, received)
            await asyncio.sleep(0.02)
    finally:
        poll.cancel()
        await asyncio.gather(poll, return_exceptions=True)
    return clock(), None


async def _poll(client: Client, identity: str) -> None:
    await client.workflow_service.poll_workflow_task_queue(
        PollWorkflowTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=_PROBE_QUEUE, kind=TaskQueueKind.TASK_QUEUE_KIND_NORMAL),
            identity=identity,
        ),
        timeout=timedelta(seconds=_PROBE_SECONDS),
    )


def _outside(there: datetime, sent: datetime, received: datetime) -> timedelta:
    """How far an instant of the server lies outside the time of its request: what is certain."""
    if there < sent:
        return sent - there
    return received - there if there > received else timedelta(0)


def _clock(ahead: timedelta | None) -> Finding:
    check = "Temporal's clock"
    if ahead is None:
        return skipped(check, "Temporal answered too slowly to compare clocks")
    if abs(ahead) <= TOLERATED:
        return ok(check, "agrees with this host's")
    way = "ahead of" if ahead > timedelta(0) else "behind"
    return warning(
        check,
        "temporal_clock_skew",
        f"this host's clock is {abs(ahead).total_seconds():.0f} s {way} Temporal's, which wakes "
        "campaigns",
        "set up NTP on this host and on Temporal's",
    )


def _refused(check: str, error: RPCError) -> Finding:
    lasting = {RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED}
    if error.status in lasting:
        return problem(
            check,
            "temporal_refused",
            f"Temporal does not admit these credentials: {error.message}",
            "correct TEMPORAL_API_KEY or the certificate",
        )
    return problem(
        check,
        "temporal_unavailable",
        f"Temporal did not answer: {error.message}",
        "look at the Temporal server's logs and its database",
    )
