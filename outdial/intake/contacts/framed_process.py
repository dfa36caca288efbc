"""A process of ours that is given messages and answers them, in frames over its pipes.

It is started by name, not forked: this process may have an event loop and threads. It ends when its
standard input does, so it never outlives this process, however that ends.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from outdial.domain.errors import OutdialError
from outdial.intake.contacts.frames import read_frame, widen_pipe, write_frame


class FramedProcess:
    """One process. `purpose` says what it does, such as `checks contacts`; `failed` makes an error
    of a text about its end."""

    def __init__(self, program: str, purpose: str, failed: Callable[[str], OutdialError]) -> None:
        self._purpose, self._failed = purpose, failed
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C in a terminal goes to its whole group: this process ends the others.
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        widen_pipe(self._requests)
        widen_pipe(self._answers)

    @property
    def id(self) -> int:
        return self._process.pid

    def send(self, message: bytes) -> None:
        """Raises the error of its end."""
        try:
            write_frame(self._requests, message)
        except BrokenPipeError:
            raise self._failure() from None

    def receive(self) -> bytes:
        """Its next answer. Raises the error of its end."""
        answer = read_frame(self._answers)
        if answer is None:
            raise self._failure()
        return answer

    def kill(self) -> None:
        """End it, from any thread; `end` is still needed."""
        self._process.kill()

    def end(self) -> None:
        self.kill()
        self._process.wait()
        for stream in (self._requests, self._answers):
            try:
                stream.close()
            except BrokenPipeError:
                continue  # what was written last was never read

    def _failure(self) -> OutdialError:
        code = self._process.wait()
        how = f"with code {code}" if code >= 0 else f"by signal {-code}"
        hint = "; is there enough memory?" if code == -9 else ""
        return self._failed(f"a process that {self._purpose} ended {how}{hint}")
