"""A line on a terminal that is rewritten while long work goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from outdial.cli.output import console

if TYPE_CHECKING:
    from rich.live import Live

SHOWN_AFTER = 1.0
"""Seconds; what takes less is not shown."""
_REFRESHED = 0.2
Show = Callable[[str], None]


@contextmanager
def live_line() -> Iterator[Show]:
    """Shows each text that it is given in place of the one before; on a terminal alone, and a few
    times a second at most."""
    output, begun = console(stderr=True), time.monotonic()
    live: Live | None = None
    shown = 0.0

    def show(text: str) -> None:
        nonlocal live, shown
        now = time.monotonic()
        if not output.is_terminal or now - begun < SHOWN_AFTER or now - shown < _REFRESHED:
            return
        shown = now
        if live is None:
            from rich.live import Live

            live = Live(console=output, auto_refresh=False, transient=True)
            live.start()
        live.update(text, refresh=True)

    try:
        yield show
    finally:
        if live is not None:
            live.stop()
