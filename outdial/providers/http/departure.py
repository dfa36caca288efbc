"""Records whether the request that dials has begun to leave this process.

An order that can't be built or encoded fails before that: certainly no call was made. From that
moment on, any error may mean that the telephone rings.
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
    """Record departures while the block runs."""
    departure = Departure()
    token = _watched.set(departure)
    try:
        yield departure
    finally:
        _watched.reset(token)


def dialing() -> dict[str, Any]:
    """Request extensions that mark the request that dials; others are not recorded."""
    return {_DIALS: True}


async def note(request: httpx.Request) -> None:
    """Event hook of httpx clients: runs when a request is complete, before any of it is sent."""
    departure = _watched.get()
    if departure is not None and request.extensions.get(_DIALS):
        departure.begun = True
