"""What a run gave, and how it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bench.people import CallsMade

PARTS = ("worker", "api", "server", "network")


@dataclass(frozen=True)
class Measured:
    name: str
    calls_made: CallsMade
    cpu: dict[str, float]
    """CPU seconds of the run, by process."""

    def cpu_per_call(self, part: str) -> float:
        """Milliseconds."""
        return 1000 * self.cpu[part] / self.calls_made.calls


def show(runs: Sequence[Measured]) -> None:
    """A row for each run; the first one is what the others are compared with."""
    table = Table(title="Calls a second, and milliseconds of CPU for each call")
    for column in ("run", "calls", "calls/s", "of baseline", *PARTS):
        table.add_column(column, justify="left" if column == "run" else "right")
    for run in runs:
        table.add_row(
            run.name,
            str(run.calls_made.calls),
            f"{run.calls_made.per_second:.1f}",
            f"{run.calls_made.per_second / runs[0].calls_made.per_second:.2f}",
            *(f"{run.cpu_per_call(part):.1f}" for part in PARTS),
        )
    Console().print(table)
