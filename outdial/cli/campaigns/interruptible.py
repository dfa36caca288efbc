"""Long work in a thread or in processes of ours that Ctrl-C ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from outdial.cli.campaigns.staging import Interrupted
from outdial.services.campaigns.rehearsal_processes import Interruption


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """What the work looks at to know that it is to end.

    Raises Interrupted for Ctrl-C.
    """
    interruption = Interruption()
    try:
        yield interruption
    except asyncio.CancelledError:
        interruption.request()
        raise Interrupted("Interrupted; nothing was changed.") from None
