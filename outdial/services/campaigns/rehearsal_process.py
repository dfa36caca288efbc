"""The program that runs rehearsals for another process.

It reads a rehearsal and seeds from its standard input, writes the figures of each run to its
standard output, and ends with its input.
"""

from __future__ import annotations

import os
import pickle
import sys
import traceback
from threading import Thread
from typing import IO

from outdial.domain.numbers.policy import use_policy
from outdial.intake.contacts.frames import read_frame, write_frame
from outdial.rehearsal.outcome import RunFigures
from outdial.rehearsal.rehearsal import Rehearsal

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
    for seed in pickle.loads(seeds):
        try:
            write_frame(answers, pickle.dumps(_run(rehearsal, seed), pickle.HIGHEST_PROTOCOL))
        except BrokenPipeError:
            break  # nobody waits for an answer any more
    os._exit(0)  # without waiting for the thread that reads


def _run(rehearsal: Rehearsal, seed: int) -> RunFigures | str:
    """The figures of a run; the text of an error in this program."""
    try:
        return rehearsal.run(seed)
    except Exception:
        return traceback.format_exc()


def _end_with(requests: IO[bytes]) -> None:
    """End this process when the other one has gone."""
    requests.read(1)
    os._exit(0)


if __name__ == "__main__":
    main()
