"""Connections to the HTTP server: bounded in time and memory before any request is known.

uvicorn ends connections that are idle between requests. It has no limit for the head of a
request, for how slowly one arrives, or for clients that don't read their answer; these are here.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

KEEP_ALIVE_SECONDS = 75
"""Longer than providers keep an idle connection, so that none is closed under a webhook."""


class BoundedHttp(HttpToolsProtocol):
    """HTTP/1.1 whose heads are complete within seconds, and no larger than they need be."""

    head_seconds: ClassVar[float] = 10.0
    """From the first byte, or from the connection, to the end of the head."""
    unread_seconds: ClassVar[float] = 60.0
    """How long a client may leave its answer unread."""
    head_bytes: ClassVar[int] = 65_536
    """Of a head, and of the framing of a body: the heads that browsers and providers send are a
    tenth of that."""
    framing: ClassVar[int] = 16
    """Bytes of framing for a byte of body, at most: a chunk of one byte takes six."""

    _head_timer: asyncio.TimerHandle | None = None
    _unread_timer: asyncio.TimerHandle | None = None
    _raw = 0
    _body = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._raw += len(data)
        # A large read is one step of the parser: what it makes of it is looked at afterwards.
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._raw - self.framing * self._body > self.head_bytes + len(data):
            self._refuse_head()
        elif self._is_idle() and self._head_timer is None:
            self._await_head()

    def on_message_begin(self) -> None:
        self._raw = self._body = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        super().on_body(body)

    def on_response_complete(self) -> None:
        self._raw = self._body = 0
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread_timer is None:
            self._unread_timer = self.loop.call_later(self.unread_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None
        super().resume_writing()

    def _is_idle(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_seconds, self._give_up)

    def _give_up(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()

    def _refuse_head(self) -> None:
        if self._is_idle():
            self.transport.write(
                b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
                b"connection: close\r\ncontent-length: 0\r\n\r\n"
            )
            self.transport.close()
        else:
            self.transport.abort()

    def _stop_timers(self) -> None:
        for timer in (self._head_timer, self._unread_timer):
            if timer is not None:
                timer.cancel()
        self._head_timer = self._unread_timer = None


SERVER_OPTIONS: dict[str, Any] = {
    "http": BoundedHttp,
    "ws": "none",
    "log_config": None,
    "access_log": False,
    "proxy_headers": False,  # the application believes the proxies that its settings name
    "server_header": False,
    "timeout_keep_alive": KEEP_ALIVE_SECONDS,
}
"""How uvicorn serves the application, in production and in tests."""
