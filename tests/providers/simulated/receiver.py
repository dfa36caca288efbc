"""The caller's end of the line: a real HTTP server that takes what it is sent."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Received:
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int
    """Which connection it came over, counted from 1."""

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event


@dataclass(frozen=True)
class Reply:
    """An answer; status 0 closes the connection instead, None never answers."""

    status: int | None = 200
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = ()


class Receiver:
    def __init__(self) -> None:
        self.received: list[Received] = []
        self.replies: deque[Reply] = deque()
        """For the next requests; after them `reply`."""
        self.reply = Reply()
        self.base_url = ""
        self._writers: set[asyncio.StreamWriter] = set()
        self._connections = 0
        self._changed = asyncio.Condition()

    @property
    def url(self) -> str:
        return f"{self.base_url}/hooks/line?via=test"

    @property
    def types(self) -> list[str]:
        return [one.event["type"] for one in self.received]

    @property
    def ids(self) -> list[str]:
        return [one.headers["webhook-id"] for one in self.received]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition on what was received holds; looked at on every arrival."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(condition)

    async def count(self, number: int) -> list[Received]:
        await self.until(lambda: len(self.received) >= number)
        return self.received

    async def last(self, kind: str) -> Received:
        """Wait for an event type."""
        await self.until(lambda: kind in self.types)
        return next(one for one in self.received if one.event["type"] == kind)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.base_url = f"http://{host}:{port}"

    def hang_up(self) -> None:
        """Close every connection there is."""
        for writer in self._writers:
            writer.close()

    async def stop(self) -> None:
        self._server.close()
        self.hang_up()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self._connections += 1
        number = self._connections
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await self._exchange(reader, writer, number):
                pass
        self._writers.discard(writer)
        writer.close()

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int
    ) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        reply = self.replies.popleft() if self.replies else self.reply
        async with self._changed:
            self.received.append(Received(head[0].split()[1], headers, body, connection))
            self._changed.notify_all()
        if reply.status is None:
            await reader.read()
        if not reply.status:
            return False
        extra = "".join(f"{name}: {value}\r\n" for name, value in reply.headers)
        length = len(reply.body)
        start = f"HTTP/1.1 {reply.status} Reply\r\ncontent-length: {length}\r\n{extra}\r\n"
        writer.write(start.encode() + reply.body)
        await writer.drain()
        return True
