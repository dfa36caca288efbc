"""A stage and its adapter, for tests of what is special about one provider."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar

from outdial.domain.call.event import CallEvent
from outdial.providers.port import Provider
from outdial.providers.reports.clock import Clock
from tests.providers.contract.stage import Stage

S = TypeVar("S", bound=Stage)
P = TypeVar("P", bound=Provider)


@asynccontextmanager
async def running(kind: type[S], *, connections: bool = False) -> AsyncIterator[S]:
    """The far side for as long as the context is open; it must have seen no violation."""
    stage = kind()
    if connections:
        stage.on_connections()
    async with stage:
        yield stage
        assert stage.violations == []


@asynccontextmanager
async def connected(
    kind: Callable[..., P], stage: Stage, *, clock: Clock | None = None, **changes: Any
) -> AsyncIterator[P]:
    """An adapter on a line at the stage, with another clock if it has one; closed at the end."""
    options = {} if clock is None else {"clock": clock}
    provider = kind(stage.line(**changes), **options)
    try:
        yield provider
    finally:
        await provider.aclose()


def receive_webhook(
    provider: Provider, headers: Mapping[str, str], body: bytes, url: str, now: datetime
) -> Sequence[CallEvent]:
    """The events of a webhook as the adapter verifies and reads it, its line left out."""
    provider.verify_sender(headers, body, url, now)
    return provider.webhooks.read(body, url, now)
