"""Peak memory of processes and of whatever they start."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

SAMPLE_SECONDS = 0.2


class PeakMemory:
    """The largest resident size of each process below the given ones, in MB, by part."""

    def __init__(self) -> None:
        self.parts: dict[str, int] = {}
        self._peaks: dict[str, dict[int, float]] = {}

    def of(self, part: str) -> str:
        """`312`, or `312 and 2 x 120` for a part with children."""
        first, *others = self._peaks.get(part, {0: 0.0}).values()
        if not others:
            return f"{first:.0f}"
        return f"{first:.0f} and {len(others)} x {max(others):.0f}"

    def sample(self) -> None:
        for part, pid in self.parts.items():
            peaks = self._peaks.setdefault(part, {})
            for each in (pid, *descendants(pid)):
                peaks[each] = max(peaks.get(each, 0.0), _peak(each))


@asynccontextmanager
async def measuring(parts: Mapping[str, int]) -> AsyncIterator[PeakMemory]:
    """Sample the peaks of these processes until the block ends; more may be added meanwhile."""
    memory = PeakMemory()
    memory.parts |= parts

    async def sample() -> None:
        while True:
            memory.sample()
            await asyncio.sleep(SAMPLE_SECONDS)

    sampling = asyncio.create_task(sample())
    try:
        yield memory
    finally:
        sampling.cancel()


def descendants(pid: int) -> list[int]:
    """Each thread of a process lists the children that it started itself."""
    children: list[int] = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            children += map(int, thread.read_text(encoding="ascii").split())
    return children + [each for child in children for each in descendants(child)]


def _peak(pid: int) -> float:
    """MB; proc_pid_status(5), VmHWM. 0 for one that has ended."""
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0
