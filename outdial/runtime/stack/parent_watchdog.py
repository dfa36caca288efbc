"""Parent watchdog: run a command that must not outlive the process which started it.

`python parent_watchdog.py PARENT_PID COMMAND ARGUMENT…`, standard library only, so that it costs
milliseconds. On Linux it has the kernel kill the command when its parent dies, and this
process becomes the command. Elsewhere it stays, and polls for its parent.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import subprocess
import sys

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.5


def main(arguments: list[str]) -> int:
    parent, command = int(arguments[0]), arguments[1:]
    if platform.system() == "Linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel knew
            return 1
        os.execv(command[0], command)
    return watch(parent, command)


def watch(parent: int, command: list[str]) -> int:
    """Run the command until it ends or the parent is gone; its exit code."""
    child = subprocess.Popen(command)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    while True:
        try:
            return child.wait(timeout=_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                child.kill()
                child.wait()
                return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
