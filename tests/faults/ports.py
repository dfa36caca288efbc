"""Ports for stacks that stand side by side.

A stack chooses its ports some seconds before its parts listen on them. With a dozen stacks at
once, in several processes, two of them would now and then choose the same.
"""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from outdial.runtime.stack.statefile import Endpoints

_PORTS = range(10_000, 16_384)
"""Below those that `outdial up` chooses from."""
_held: list[TextIO] = []
"""Locked until this process ends."""


def reserve_endpoints() -> Endpoints:
    """Ports that no other long run of this user gets while this process lives."""
    return Endpoints(**{name: reserve_port() for name in Endpoints.model_fields})


def reserve_port() -> int:
    folder = Path(tempfile.gettempdir()) / f"outdial-test-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for port in random.sample(_PORTS, len(_PORTS)):
        file = (folder / str(port)).open("w", encoding="ascii")
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_free(port):
                _held.append(file)
                return port
        file.close()
    raise OSError("no free port on 127.0.0.1")


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
