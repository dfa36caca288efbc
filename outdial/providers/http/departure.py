"""Whether the request that dials has begun to leave this process.

An order that can't be built or encoded fails before that, in whatever way it fails: then nobody
was called, and it is certain. From that moment on any error may mean that the phone rings.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpx

_DIALS = "outdial_dials"


@dataclass
class Departure:
    begun: bool = False


_watched: ContextVar[Departure | None] = ContextVar("departure", default=None)


@contextmanager
def watching() -> Iterator[Departure]:
    """What is noted while the block runs."""
    departure = Departure()
    token = _watched.set(departure)
    try:
        yield departure
    finally:
        _watched.reset(token)


def dialing() -> dict[str, Any]:
    """Extensions of the request that dials; others, which only ask, may leave unnoticed."""
    return {_DIALS: True}


async def note(request: httpx.Request) -> None:
    """Runs when a request is complete, before anything of it is sent: a hook of clients."""
    departure = _watched.get()
    if departure is not None and request.extensions.get(_DIALS):
        departure.begun = True
