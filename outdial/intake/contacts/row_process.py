"""The program that checks rows of a contact file for another process.

It reads chunks of rows from its standard input, writes what their check gave to its standard
output, and ends with its input.
"""

from __future__ import annotations

import os
import pickle
import sys
import traceback
from queue import SimpleQueue
from threading import Thread
from typing import IO

from outdial.domain.numbers.policy import use_policy
from outdial.intake.contacts.chunks import RowChecker
from outdial.intake.contacts.frames import read_frame, write_frame
from outdial.intake.contacts.row import CheckedRows
from outdial.intake.contacts.table import CsvChunk, CsvLayout

_NICENESS = 10
"""Calls under way come before an import."""


def main() -> None:
    """Serve the process that started this one."""
    os.nice(_NICENESS)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything else writes is no answer
    requests: SimpleQueue[bytes] = SimpleQueue()
    results: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=_read, args=(sys.stdin.buffer, requests), daemon=True).start()
    Thread(target=_write, args=(answers, results), daemon=True).start()
    policy, loaded, layout = pickle.loads(requests.get())
    use_policy(policy)
    checker = RowChecker(loaded)
    while True:
        result = _check(checker, layout, requests.get())
        results.put(pickle.dumps(result, pickle.HIGHEST_PROTOCOL))


def _check(checker: RowChecker, layout: CsvLayout, request: bytes) -> CheckedRows | str:
    """What a chunk led to; the text of an error in this program."""
    try:
        position, lines, records = pickle.loads(request)
        return checker.check_rows(CsvChunk(position, layout, list(lines), records).rows())
    except Exception:
        return traceback.format_exc()


def _read(stream: IO[bytes], requests: SimpleQueue[bytes]) -> None:
    """Take requests while others are worked on; the other process gives a few ahead."""
    while (request := read_frame(stream)) is not None:
        requests.put(request)
    os._exit(0)  # nobody waits for an answer any more


def _write(stream: IO[bytes], results: SimpleQueue[bytes]) -> None:
    try:
        while True:
            write_frame(stream, results.get())
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    main()
