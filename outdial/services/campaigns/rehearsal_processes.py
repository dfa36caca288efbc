"""Runs of a rehearsal in processes beside each other.

Each is started by name, not forked: this process may have an event loop and threads. It ends when
its standard input does, so none outlives this process, however that ends.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from typing import Any

from outdial.domain.errors import OutdialError
from outdial.domain.numbers.policy import number_policy
from outdial.intake.contacts.frames import read_frame, widen_pipe, write_frame
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

    def check(self) -> None:
        """Raises RehearsalFailed once it is requested."""
        if self.requested:
            raise RehearsalFailed("the rehearsal was interrupted")


def run_beside(
    rehearsal: Rehearsal, seeds: Sequence[int], processes: int, interruption: Interruption
) -> Generator[RunFigures]:
    """The runs in the order of their seeds, as they end. Raises RehearsalFailed.

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
            yield children[at % processes].take()


class _Child:
    """One process. It runs one seed after the other."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C in a terminal goes to its whole group: this process ends the others.
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        widen_pipe(self._answers)

    def begin(self, beginning: bytes, seeds: Sequence[int]) -> None:
        try:
            write_frame(self._requests, beginning)
            write_frame(self._requests, pickle.dumps(list(seeds)))
        except BrokenPipeError:
            raise self._failure() from None

    def take(self) -> RunFigures:
        """The next of its runs."""
        answer = read_frame(self._answers)
        if answer is None:
            raise self._failure()
        run: Any = pickle.loads(answer)
        if isinstance(run, RunFigures):
            return run
        raise RehearsalFailed(f"a process that rehearses failed: {run}")

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> None:
        self.kill()
        self._process.wait()
        for stream in (self._requests, self._answers):
            try:
                stream.close()
            except BrokenPipeError:
                continue  # what was written last was never read

    def _failure(self) -> RehearsalFailed:
        code = self._process.wait()
        how = f"with code {code}" if code >= 0 else f"by signal {-code}"
        hint = "; is there enough memory?" if code == -9 else ""
        return RehearsalFailed(f"a process that rehearses ended {how}{hint}")
