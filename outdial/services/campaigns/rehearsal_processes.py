"""Runs of a rehearsal in processes beside each other."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from outdial.domain.errors import OutdialError
from outdial.domain.numbers.policy import number_policy
from outdial.intake.contacts.framed_process import FramedProcess
from outdial.rehearsal.outcome import RunFigures
from outdial.rehearsal.rehearsal import Rehearsal

PROGRAM = "outdial.services.campaigns.rehearsal_process"


class RehearsalFailed(OutdialError):
    """A process that rehearses ended, or failed."""

    code = "rehearsal_failed"


class Interruption:
    """Ends a rehearsal early, from another thread."""

    def __init__(self) -> None:
        self._children: list[_Child] = []
        self.requested = False

    def request(self) -> None:
        """The rehearsal ends at once, with RehearsalFailed."""
        self.requested = True
        for child in self._children:
            child.kill()

    def add(self, child: _Child) -> None:
        self._children.append(child)
        if self.requested:
            child.kill()

    def processes(self) -> list[int]:
        """The ids of those that were started."""
        return [child.id for child in self._children]

    def check(self) -> None:
        """Raises RehearsalFailed once it is requested."""
        if self.requested:
            raise RehearsalFailed("the rehearsal was interrupted")


def run_beside(
    rehearsal: Rehearsal,
    seeds: Sequence[int],
    processes: int,
    interruption: Interruption,
    progress: Callable[[datetime], None] | None = None,
) -> Generator[RunFigures]:
    """The runs in the order of their seeds, as they end. Raises RehearsalFailed.

    `progress` is given the virtual time of the run that is waited for, now and then.
    The processes end with the iteration, so close an iterator that is not read to its end.
    """
    beginning = pickle.dumps((number_policy(), rehearsal), pickle.HIGHEST_PROTOCOL)
    with ExitStack() as until_the_end:
        children = []
        for at in range(processes):
            child = _Child()
            until_the_end.callback(child.end)
            interruption.add(child)
            child.begin(beginning, seeds[at::processes])
            children.append(child)
        del beginning
        for at in range(len(seeds)):
            yield children[at % processes].take(progress)


class _Child:
    """One process. It runs one seed after the other."""

    def __init__(self) -> None:
        self._process = FramedProcess(PROGRAM, "rehearses", RehearsalFailed)
        self.kill = self._process.kill
        self.end = self._process.end

    @property
    def id(self) -> int:
        return self._process.id

    def begin(self, beginning: bytes, seeds: Sequence[int]) -> None:
        self._process.send(beginning)
        self._process.send(pickle.dumps(list(seeds)))

    def take(self, progress: Callable[[datetime], None] | None) -> RunFigures:
        """The next of its runs."""
        while True:
            answer: Any = pickle.loads(self._process.receive())
            if isinstance(answer, RunFigures):
                return answer
            if not isinstance(answer, datetime):
                raise RehearsalFailed(f"a process that rehearses failed: {answer}")
            if progress is not None:
                progress(answer)
