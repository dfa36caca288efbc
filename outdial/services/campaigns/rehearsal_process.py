"""The program that runs rehearsals for another process.

It reads a rehearsal and seeds from its standard input, writes the figures of each run to its
standard output, and ends with its input.
"""

from __future__ import annotations

import os
import pickle
import sys
import time
import traceback
from datetime import datetime
from threading import Thread
from typing import IO

from outdial.domain.numbers.policy import use_policy
from outdial.intake.contacts.frames import read_frame, write_frame
from outdial.rehearsal.outcome import RunFigures
from outdial.rehearsal.rehearsal import Rehearsal

_SHOWN_EVERY = 0.5
"""Seconds."""
_NICENESS = 10
"""Calls under way come before a rehearsal."""


def main() -> None:
    """Serve the process that started this one."""
    os.nice(_NICENESS)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything else writes is no answer
    requests = sys.stdin.buffer
    beginning, seeds = read_frame(requests), read_frame(requests)
    if beginning is None or seeds is None:
        return  # the other process has gone already
    Thread(target=_end_with, args=(requests,), daemon=True).start()
    policy, rehearsal = pickle.loads(beginning)
    del beginning
    use_policy(policy)
    try:
        for seed in pickle.loads(seeds):
            _write(answers, _run(rehearsal, seed, answers))
    except BrokenPipeError:
        pass  # nobody waits for an answer any more
    os._exit(0)  # without waiting for the thread that reads


def _run(rehearsal: Rehearsal, seed: int, answers: IO[bytes]) -> RunFigures | str:
    """The figures of a run; the text of an error in this program."""
    shown = time.monotonic()

    def show(at: datetime) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown >= _SHOWN_EVERY:
            shown = now
            _write(answers, at)

    try:
        return rehearsal.run(seed, progress=show)
    except BrokenPipeError:
        raise
    except Exception:
        return traceback.format_exc()


def _write(answers: IO[bytes], answer: RunFigures | datetime | str) -> None:
    write_frame(answers, pickle.dumps(answer, pickle.HIGHEST_PROTOCOL))


def _end_with(requests: IO[bytes]) -> None:
    """End this process when the other one has gone."""
    requests.read(1)
    os._exit(0)


if __name__ == "__main__":
    main()
