"""How many calls a second one campaign's workflow starts, when calls themselves cost little.

The campaign's workflow is the real one, on Temporal's development server; its claims come from
memory, up to 200 calls each and after the usual linger, and each call is a workflow that waits for
a second. A row for each number of calls at once: calls a second; events, workflow tasks and
transactions of the campaign for each call, which Temporal makes one after the other; the most calls
that one task started; runs; CPU of Temporal and of this process for each call. The last column is
the CPU of the campaign's workflow alone, for each call, measured by replaying its histories: one
core can't start more than the inverse of it.

    python -m bench.campaign_workflow [--in-flight 50 200 800] [--rounds 8]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from temporalio import activity, workflow
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker

with workflow.unsafe.imports_passed_through():
    from bench.processes import cpu_seconds
    from outdial.contracts.messages import CampaignInput
    from outdial.contracts.names import TASK_QUEUE
    from outdial.contracts.signatures.campaign import CampaignRef, ClaimInput, Finish
    from outdial.domain.call.claim import CampaignState, Claim, ClaimedCall
    from outdial.domain.record import Progress
    from outdial.runtime.temporal_config import release_clients
    from tests.temporal import start_server
    from workflows.campaign import CampaignWorkflow

LINGER_SECONDS = 0.5
"""The default of OUTDIAL_CLAIM_LINGER_MS."""
CALL_SECONDS = 1


@workflow.defn(name="CallWorkflow")
class ShortCall:
    """In place of a call: its slot is free again after a second."""

    @workflow.run
    async def run(self, call: ClaimedCall) -> None:
        await workflow.sleep(CALL_SECONDS)
        await workflow.execute_local_activity(
            "free_slot", call.call_id, start_to_close_timeout=timedelta(seconds=10)
        )


class Roster:
    """Claims in memory, at the cost of a few microseconds each."""

    def __init__(self, name: str, calls: int, at_once: int) -> None:
        self._name = name
        self._waiting = deque(range(calls))
        self._at_once = at_once
        self._live: set[str] = set()
        self._calls = calls

    @activity.defn(name="claim_calls")
    async def claim_calls(self, claim: ClaimInput) -> Claim:
        if claim.linger:
            await asyncio.sleep(LINGER_SECONDS)
        taken: list[ClaimedCall] = []
        while self._waiting and len(self._live) < self._at_once and len(taken) < claim.limit:
            taken.append(self._call(self._waiting.popleft()))
            self._live.add(taken[-1].call_id)
        return Claim(
            state=CampaignState.RUNNING,
            calls=tuple(taken),
            in_flight=len(self._live),
            open_recipients=len(self._waiting) + len(self._live),
            reason="calls in flight",
        )

    def _call(self, number: int) -> ClaimedCall:
        return ClaimedCall(
            call_id=f"{self._name}-{number}",
            workflow_id=f"call/default/{self._name}/1/{number}/1",
            tenant="default",
            campaign=self._name,
            line="simulated",
            masked="+1202•••0123",
            attempt=1,
            ring_timeout=timedelta(seconds=30),
            max_duration=timedelta(minutes=10),
        )

    @activity.defn(name="free_slot")
    async def free_slot(self, call_id: str) -> None:
        self._live.discard(call_id)

    @activity.defn(name="finish_campaign")
    async def finish_campaign(self, campaign: CampaignRef) -> Finish:
        if self._waiting or self._live:
            return Finish(over=False)
        progress = Progress(
            campaign=self._name,
            tenant="default",
            state=CampaignState.FINISHED,
            launch=1,
            recipients=self._calls,
            by_state={},
            by_outcome={},
            calls={},
            attempts=self._calls,
            in_flight=0,
            launched_at=datetime.now(UTC),
        )
        return Finish(over=True, progress=progress)


@dataclass(frozen=True)
class Started:
    """What one campaign did."""

    at_once: int
    calls: int
    seconds: float
    events: int
    tasks: int
    most_at_once: int
    """Calls that one workflow task started."""
    runs: int
    transitions: int
    """Transactions that Temporal has made on the campaign, one after the other."""
    temporal: float
    """CPU seconds."""
    here: float
    replayed: float
    """CPU seconds of the campaign's workflow alone."""


async def run_campaign(client: Client, server: int, at_once: int, calls: int) -> Started:
    name = f"bench-{at_once}"
    roster = Roster(name, calls, at_once)
    activities: list[Callable[..., Any]] = [
        roster.claim_calls,
        roster.free_slot,
        roster.finish_campaign,
    ]
    campaign = CampaignInput.model_validate(
        {
            "campaign_id": 1,
            "launch": 1,
            "tenant": "default",
            "campaign": name,
            "carry": {"enrolled": True},
        }
    )
    async with Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[CampaignWorkflow, ShortCall],
        activities=activities,
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=4000,
        max_concurrent_workflow_tasks=50,
        max_concurrent_local_activities=100,
    ):
        began, here, there = time.monotonic(), time.process_time(), cpu_seconds(server)
        await client.execute_workflow(
            CampaignWorkflow.run, campaign, id=name, task_queue=TASK_QUEUE
        )
        seconds = time.monotonic() - began
        here, there = time.process_time() - here, cpu_seconds(server) - there
    histories, transitions = await _histories(client, name)
    replayed = await _replay(client, histories)
    events = [event for history in histories for event in history.events]
    return Started(
        at_once, calls, seconds, len(events),
        sum(event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED for event in events),
        _most_started(events), len(histories), transitions, there, here, replayed,
    )  # fmt: skip


async def _histories(client: Client, workflow_id: str) -> tuple[list[WorkflowHistory], int]:
    """Of all runs, the newest last; and how many transactions they took."""
    histories, transitions = [], 0
    described = await client.get_workflow_handle(workflow_id).describe()
    run_id = described.raw_info.first_run_id
    while run_id:
        run = client.get_workflow_handle(workflow_id, run_id=run_id)
        transitions += (await run.describe()).raw_info.state_transition_count
        histories.append(await run.fetch_history())
        last = histories[-1].events[-1]
        run_id = last.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    return histories, transitions


def _most_started(events: Sequence[HistoryEvent]) -> int:
    started, most = 0, 0
    for event in events:
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            started = 0
        elif event.event_type == EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
            started += 1
            most = max(most, started)
    return most


async def _replay(client: Client, histories: Sequence[WorkflowHistory]) -> float:
    replayer = Replayer(
        workflows=[CampaignWorkflow],
        data_converter=client.data_converter,
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    began = time.process_time()
    for history in histories:
        await replayer.replay_workflow(history)
    return time.process_time() - began


def show(rows: Sequence[Started]) -> None:
    table = Table(title="One campaign workflow; milliseconds are of CPU, for each call")
    for column in (
        "at once", "calls", "calls/s", "events a call", "commits a call", "tasks a call",
        "most in a task", "runs", "Temporal", "here", "workflow alone",
    ):  # fmt: skip
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            str(row.at_once),
            str(row.calls),
            f"{row.calls / row.seconds:.1f}",
            f"{row.events / row.calls:.2f}",
            f"{row.transitions / row.calls:.2f}",
            f"{row.tasks / row.calls:.3f}",
            str(row.most_at_once),
            str(row.runs),
            *(f"{1000 * cpu / row.calls:.1f}" for cpu in (row.temporal, row.here)),
            f"{1000 * row.replayed / row.calls:.2f}",
        )
    Console(width=140, highlight=False).print(table)
    sys.stdout.flush()


async def main(in_flight: Sequence[int], rounds: int) -> None:
    logging.disable(logging.WARNING)
    async with await start_server() as environment:
        server = _started_server()
        show(
            [
                await run_campaign(environment.client, server, at_once, at_once * rounds)
                for at_once in in_flight
            ]
        )


def _started_server() -> int:
    """The server, which the library has started from a thread of its own."""
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            text = status.read_text(encoding="utf-8")
            if "Name:\ttemporal\n" in text and f"PPid:\t{os.getpid()}\n" in text:
                return int(status.parent.name)
    raise SystemExit("Temporal's server is not a child of this process")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--in-flight", type=int, nargs="+", default=[50, 200, 800])
    parser.add_argument("--rounds", type=int, default=8)
    options = parser.parse_args()
    try:
        asyncio.run(main(options.in_flight, options.rounds))
    finally:
        release_clients()
