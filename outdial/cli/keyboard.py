"""Single keys of a terminal, as they are pressed."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

_ESCAPES = {"\x1b[A": "up", "\x1b[B": "down", "\x1bOA": "up", "\x1bOB": "down"}
_MOST = 1024


@contextmanager
def pressed_keys() -> Iterator[asyncio.Queue[str]]:
    """A queue of the keys that are pressed: a character, `up` or `down`. Ctrl-C interrupts as
    usual. Without a terminal to read from, no key ever comes."""
    keys: asyncio.Queue[str] = asyncio.Queue()
    if not sys.stdin.isatty():
        yield keys
        return
    terminal, loop = sys.stdin.fileno(), asyncio.get_running_loop()
    before = termios.tcgetattr(terminal)

    def read() -> None:
        text = os.read(terminal, _MOST).decode(errors="replace")
        for key in split_keys(text):
            keys.put_nowait(key)

    try:
        tty.setcbreak(terminal)
        loop.add_reader(terminal, read)
        yield keys
    finally:
        loop.remove_reader(terminal)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def split_keys(text: str) -> Iterator[str]:
    """The keys that a terminal has sent: arrows by their names, other sequences left out."""
    while text:
        if not text.startswith("\x1b"):
            yield text[0]
            text = text[1:]
            continue
        name = _ESCAPES.get(text[:3])
        if name is not None:
            yield name
        text = text[3:]
