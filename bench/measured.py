"""What a run gave, and how it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bench.people import Seen

PARTS = ("worker", "api", "server", "network")


@dataclass(frozen=True)
class Measured:
    name: str
    seen: Seen
    cpu: dict[str, float]
    """CPU seconds of the run, by process."""

    def cpu_per_call(self, part: str) -> float:
        """Milliseconds."""
        return 1000 * self.cpu[part] / self.seen.calls


def show(runs: Sequence[Measured]) -> None:
    """A row for each run; the first one is what the others are compared with."""
    table = Table(title="Calls a second, and milliseconds of CPU for each call")
    for column in ("run", "calls", "calls/s", "of baseline", *PARTS):
        table.add_column(column, justify="left" if column == "run" else "right")
    for run in runs:
        table.add_row(
            run.name,
            str(run.seen.calls),
            f"{run.seen.per_second:.1f}",
            f"{run.seen.per_second / runs[0].seen.per_second:.2f}",
            *(f"{run.cpu_per_call(part):.1f}" for part in PARTS),
        )
    Console().print(table)
