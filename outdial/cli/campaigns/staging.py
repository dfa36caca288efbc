"""Shows how far a launch or an addition is while its rows are read and stored, and removes what is
stored when it is interrupted."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from outdial.cli.output import plural, say
from outdial.domain.errors import OutdialError
from outdial.domain.record import StagingState
from outdial.resources.resources import Resources
from outdial.services.campaigns.staging import read_staging, remove_refused

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

    from outdial.domain.record import StagingRecord

_NICENESS = 10
SHOWN_AFTER = 1.0
"""Seconds; what takes less is not shown."""


class Interrupted(OutdialError):
    """Ctrl-C before all rows were stored."""

    code = "interrupted"


class StagingProgress:
    """A line on a terminal; elsewhere nothing."""

    def __init__(self, output: Console) -> None:
        self._output = output
        self._begun = time.monotonic()
        self._live: Live | None = None
        self.record: StagingRecord | None = None
        """As it was last reported; None until it begins."""

    def __call__(self, record: StagingRecord) -> None:
        self.record = record
        if not self._output.is_terminal or time.monotonic() - self._begun < SHOWN_AFTER:
            return
        if self._live is None:
            from rich.live import Live

            self._live = Live(console=self._output, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(describe_staging(record), refresh=True)

    def close(self) -> None:
        """Remove the line."""
        if self._live is not None:
            self._live.stop()


@asynccontextmanager
async def showing_progress(ctx: Resources, output: Console) -> AsyncIterator[StagingProgress]:
    """Progress of a launch or an addition. When it is interrupted, what is stored is removed; a
    second Ctrl-C leaves that to the next launch, or to a maintenance loop.

    Raises Interrupted.
    """
    progress = StagingProgress(output)
    if not ctx.database.one_writer:
        _give_way()
    try:
        yield progress
    except asyncio.CancelledError:
        progress.close()
        if progress.record is None or await _remove(ctx, progress.record):
            raise Interrupted("Interrupted; nothing was changed.") from None
        raise
    finally:
        progress.close()


def _give_way() -> None:
    """Have this process run after those that calls depend on, where there are too few cores. Not
    where it keeps others from writing while it writes: it would keep them for longer."""
    os.setpriority(os.PRIO_PROCESS, 0, max(_NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))


async def _remove(ctx: Resources, record: StagingRecord) -> bool:
    """Remove the rows of one that was given up; False for one that had been accepted."""
    if (await read_staging(ctx, record.public_id)).record.state is not StagingState.REFUSED:
        return False
    say(f"Removing {plural(record.recipients, 'stored recipient')} …", to_stderr=True)
    await remove_refused(ctx, record)
    return True


def describe_staging(record: StagingRecord) -> str:
    """`312,000 rows read, 25,400 a second, 2 problems so far`."""
    text = f"{record.rows_read:,} rows read, {record.rows_per_second:,.0f} a second"
    if record.problem_count:
        text += f", {plural(record.problem_count, 'problem')} so far"
    return text
