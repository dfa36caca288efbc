"""Checks the rows of a contact file in processes beside each other."""

from __future__ import annotations

import logging
import os
import pickle
from array import array
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

from outdial.domain.errors import OutdialError
from outdial.domain.numbers.policy import number_policy
from outdial.intake.contacts.framed_process import FramedProcess
from outdial.intake.contacts.row import CheckedRows
from outdial.intake.contacts.table import CsvChunk, CsvLayout
from outdial.intake.definition import LoadedDefinition

log = logging.getLogger(__name__)

SMALLEST_FILE = 2_000_000
"""Bytes. What is shorter is read sooner than a process has started."""
MOST_PROCESSES = 8
"""This process, which reads the file, keeps about so many busy. It has no more of them at a time,
however many files it reads."""
_AHEAD = 3
"""Chunks that a process has been given and that are not taken back yet."""
PROGRAM = "outdial.intake.contacts.row_process"


class RowProcessFailed(OutdialError):
    """A process that checks rows ended, or failed."""

    code = "row_process_failed"


class _Running:
    """How many of them this process has."""

    count = 0
    lock = Lock()


def processes_for(path: Path) -> int:
    """How many processes may check the rows of a file; 0: this one does."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        size = path.stat().st_size
    except (OSError, ValueError):
        return 0
    if size < SMALLEST_FILE or cores is None or cores < 2:
        return 0
    return min(cores, MOST_PROCESSES)


@contextmanager
def granted(wanted: int) -> Iterator[int]:
    """As many of the processes as this one may still have, until the block ends."""
    with _Running.lock:
        count = min(wanted, MOST_PROCESSES - _Running.count)
        _Running.count += count
    try:
        yield count
    finally:
        with _Running.lock:
            _Running.count -= count


class RowProcesses:
    """Processes that check rows of one contact file; they end with the context."""

    def __init__(self, loaded: LoadedDefinition, count: int) -> None:
        self._loaded = loaded
        self._count = count
        self._children: list[_Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for child in self._children:
            child.end()

    def check(self, chunks: Iterator[CsvChunk]) -> Iterator[tuple[CsvChunk, CheckedRows]]:
        """Check chunks, and give them back in their order. Raises RowProcessFailed."""
        pending: deque[tuple[CsvChunk, _Child | None]] = deque()
        turns: Iterator[_Child] = iter(())
        for chunk in chunks:
            if not self._children and chunk.layout is not None:
                self._start(chunk.layout)
                turns = cycle(self._children)
            child = next(turns) if chunk.lines else None
            if child is not None:
                child.give(chunk)
            pending.append((chunk, child))
            if len(pending) > _AHEAD * self._count:
                yield _taken(*pending.popleft())
        while pending:
            yield _taken(*pending.popleft())

    def _start(self, layout: CsvLayout) -> None:
        beginning = pickle.dumps((number_policy(), self._loaded, layout), pickle.HIGHEST_PROTOCOL)
        for _ in range(self._count):
            child = _Child()
            self._children.append(child)
            child.begin(beginning)


def _taken(chunk: CsvChunk, child: _Child | None) -> tuple[CsvChunk, CheckedRows]:
    return chunk, child.take() if child is not None else CheckedRows()


class _Child:
    """One process. It works on one chunk while it is given the next."""

    def __init__(self) -> None:
        self._process = FramedProcess(PROGRAM, "checks contacts", RowProcessFailed)
        self.end = self._process.end
        self.begin = self._process.send

    def give(self, chunk: CsvChunk) -> None:
        request = (chunk.position, array("I", chunk.lines), chunk.records)
        self._process.send(pickle.dumps(request, pickle.HIGHEST_PROTOCOL))

    def take(self) -> CheckedRows:
        """What the oldest chunk that it was given led to."""
        checked: Any = pickle.loads(self._process.receive())
        if isinstance(checked, CheckedRows):
            return checked
        # The error may name a person, and what is raised is shown to the sender of the file.
        log.error("a process that checks contacts failed: %s", checked)
        raise RowProcessFailed("a process that checks contacts failed; its log says why")
