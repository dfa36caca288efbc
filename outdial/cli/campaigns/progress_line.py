"""A line on a terminal that says how far long work is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from outdial.cli.output import console

if TYPE_CHECKING:
    from rich.live import Live

State = TypeVar("State")
SHOWN_AFTER = 1.0
"""Seconds; what takes less is not shown."""
_REFRESHED = 0.2


@contextmanager
def progress_line(in_words: Callable[[State], str]) -> Iterator[Callable[[State], None]]:
    """Give a function that shows how far the work is, from any thread; nothing is shown elsewhere
    than on a terminal, and nothing stays there."""
    output, begun, live = console(stderr=True), time.monotonic(), list["Live"]()
    shown = 0.0

    def show(state: State) -> None:
        nonlocal shown
        now = time.monotonic()
        if not output.is_terminal or now - begun < SHOWN_AFTER or now - shown < _REFRESHED:
            return
        shown = now
        if not live:
            from rich.live import Live

            live.append(Live(console=output, auto_refresh=False, transient=True))
            live[0].start()
        live[0].update(in_words(state), refresh=True)

    try:
        yield show
    finally:
        for one in live:
            one.stop()
