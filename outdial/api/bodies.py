"""Bodies of requests: bounded in size and in the time they take to arrive, for every route.

A route that takes more than `MAX_BODY` says so by `accepting`. A request that is answered before
its body has arrived costs no more than what is on its way: the connection is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar, cast

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from outdial.api.statuses import status_of
from outdial.domain.errors import OutdialError

MAX_BODY = 1_000_000
"""Bytes. A transcript of an hour is a tenth of that."""
LARGE = 10_000_000
"""Of thousands of people at once."""
FIRST_BYTES_WITHIN = timedelta(seconds=10)
SLOWEST = 20_000
"""Bytes a second that a body has to keep up after that time."""
_DRAINED = 2_000_000
_DRAIN_WITHIN = 1.0
"""Bytes, and seconds, for which a refused body is still read and dropped: a client that is still
sending may never read an answer that is followed by a reset."""
_KEY = "outdial.body"
_ATTRIBUTE = "max_body"

Endpoint = TypeVar("Endpoint", bound=Callable[..., object])


class BodyTooLarge(HTTPException, OutdialError):
    """The request is larger than its route takes."""

    code = "body_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(status_of(self, "hooks"), f"the body is larger than {limit} bytes")


class BodyTooSlow(HTTPException, OutdialError):
    """The body took too long to arrive."""

    code = "body_too_slow"

    def __init__(self) -> None:
        super().__init__(
            status_of(self, "hooks"), "the body took too long to arrive; send it again"
        )


def accepting(size: int) -> Callable[[Endpoint], Endpoint]:
    """Let a route take bodies of up to `size` bytes, once its caller is admitted."""

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _ATTRIBUTE, size)
        return endpoint

    return mark


def allow_size_of(scope: Scope, endpoint: Callable[..., object]) -> None:
    """Raise the limit of a request to what its route takes."""
    size: int | None = getattr(endpoint, _ATTRIBUTE, None)
    if size is not None:
        allow_size(scope, size)


def allow_size(scope: Scope, size: int) -> None:
    """Raise the limit of a request to `size` bytes, for a route that learns it from settings."""
    body = cast("_Body | None", scope.get(_KEY))
    if body is not None:
        body.limit = size


class BoundBodies:
    """ASGI middleware: no body is larger, or arrives slower, than its route allows."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        limit: int = MAX_BODY,
        first_bytes_within: timedelta = FIRST_BYTES_WITHIN,
    ) -> None:
        self._app = app
        self._limit = limit
        self._patience = first_bytes_within.total_seconds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(Headers(scope=scope), receive, send, self._limit, self._patience)
        scope[_KEY] = body
        await self._app(scope, body.receive, body.send)


class _Body:
    """One request's body, as it arrives."""

    def __init__(
        self, headers: Headers, receive: Receive, send: Send, limit: int, patience: float
    ) -> None:
        declared = headers.get("content-length", "")
        self._declared = int(declared) if declared.isdecimal() and len(declared) < 20 else None
        self._expects = "expect" in headers  # it waits to be told to send
        self._complete = self._declared in (None, 0) and "transfer-encoding" not in headers
        self._receive = receive
        self._send = send
        self._patience = patience
        self._begun: float | None = None
        self._received = 0
        self._answered = False
        self.limit = limit

    async def receive(self) -> Message:
        if self._complete:
            return await self._receive()
        try:
            return await self._next()
        except (BodyTooLarge, BodyTooSlow):
            if not self._answered:
                raise
            return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._answered = True
            if not self._complete:
                await self._drain()
            if not self._complete:
                MutableHeaders(scope=message)["connection"] = "close"
        await self._send(message)

    async def _next(self) -> Message:
        if self._declared is not None and self._declared > self.limit:
            raise BodyTooLarge(self.limit)
        loop = asyncio.get_running_loop()
        if self._begun is None:
            self._begun = loop.time()
        latest = self._begun + self._patience + self._received / SLOWEST
        try:
            async with asyncio.timeout_at(latest):
                message = await self._receive()
        except TimeoutError:
            raise BodyTooSlow from None
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self._received > self.limit:
                raise BodyTooLarge(self.limit)
        return message

    async def _drain(self) -> None:
        """Take the rest of the body and drop it, within limits."""
        most = _DRAINED if self.limit <= MAX_BODY else 2 * self.limit
        if self._expects or (self._declared or 0) > most:
            return
        self.limit = self._received + most
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(loop.time() + _DRAIN_WITHIN):
                while not self._complete:
                    if (await self._next())["type"] == "http.disconnect":
                        return
        except (TimeoutError, BodyTooLarge, BodyTooSlow):
            return
