"""Messages between a process and those that work for it: a length, then so many bytes."""

from __future__ import annotations

import fcntl
import struct
from typing import IO

_LENGTH = struct.Struct(">Q")
_PIPE_BYTES = 1 << 20
"""A chunk of rows fits in, so that whoever writes it need not wait for its reader."""


def write_frame(stream: IO[bytes], message: bytes) -> None:
    """Raises BrokenPipeError when nobody reads any more."""
    stream.write(_LENGTH.pack(len(message)))
    stream.write(message)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes | None:
    """The next message; None at the end, also in the middle of a message."""
    beginning = stream.read(_LENGTH.size)
    if len(beginning) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(beginning)
    message = stream.read(length)
    return message if len(message) == length else None


def widen_pipe(stream: IO[bytes]) -> None:
    """Let a pipe hold more, where the system can: Linux."""
    resize = getattr(fcntl, "F_SETPIPE_SZ", None)
    if resize is None:
        return
    try:
        fcntl.fcntl(stream.fileno(), resize, _PIPE_BYTES)
    except PermissionError:
        return  # the user's pipes hold as much as they may
