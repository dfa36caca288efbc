"""What a run gave, and how it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from rich.console import Console
from rich.table import Table
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from bench.people import CallsMade

PARTS = {
    "worker": "worker",
    "api": "API",
    "server": "Temporal server",
    "network": "provider simulator",
}


@dataclass(frozen=True)
class Histories:
    """Means of some calls' workflows."""

    events: float
    workflow_tasks: float


@dataclass(frozen=True)
class Measured:
    name: str
    calls_made: CallsMade
    cpu: dict[str, float]
    """CPU seconds of the run, by process."""
    histories: Histories

    def cpu_per_call(self, part: str) -> float:
        """Milliseconds."""
        return 1000 * self.cpu[part] / self.calls_made.calls


async def read_histories(client: Client, workflow_ids: Sequence[str]) -> Histories:
    lengths, tasks = [], []
    for workflow_id in workflow_ids:
        events = (await client.get_workflow_handle(workflow_id).fetch_history()).events
        lengths.append(len(events))
        completed = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        tasks.append(sum(event.event_type == completed for event in events))
    return Histories(mean(lengths), mean(tasks))


def show(pairs: Sequence[tuple[Measured, Measured | None]]) -> None:
    """A row for each run, compared with the baseline that does the same for a call."""
    table = Table(title="Calls a second, and milliseconds of CPU for each call")
    for column in ("run", "calls", "calls/s", "of baseline", "events", "workflow tasks"):
        table.add_column(column, justify="left" if column == "run" else "right")
    for part in PARTS.values():
        table.add_column(part, justify="right")
    for run, baseline in pairs:
        rate = run.calls_made.per_second
        table.add_row(
            run.name,
            str(run.calls_made.calls),
            f"{rate:.1f}",
            "" if baseline is None else f"{rate / baseline.calls_made.per_second:.2f}",
            f"{run.histories.events:.1f}",
            f"{run.histories.workflow_tasks:.1f}",
            *(f"{run.cpu_per_call(part):.1f}" for part in PARTS),
        )
    Console(width=130).print(table)
