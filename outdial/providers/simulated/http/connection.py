"""Answers that no well-behaved server gives: none at all, and too late."""

from __future__ import annotations

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol


class Protocol(H11Protocol):
    """uvicorn's HTTP protocol, with the transport where a response can reach it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}
        # Here and not in uvicorn's settings: those change the loggers of the whole process,
        # and an API may run in it.
        self.access_log = False


class Dropped(Response):
    """Closes the connection without an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["transport"].abort()
        await _disconnected(receive)


class Late(Response):
    """Gives another answer after a delay in seconds, or never; stops when the client leaves."""

    def __init__(self, answer: Response, delay: float | None) -> None:
        super().__init__()
        self._answer = answer
        self._delay = delay

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self._delay):
                await _disconnected(receive)
        except TimeoutError:
            await self._answer(scope, receive, send)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
