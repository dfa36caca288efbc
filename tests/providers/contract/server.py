"""An HTTP server of the tests: real connections, and full control over when they break."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import h11
import httpx


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def path(self) -> str:
        """Without the query, percent signs decoded."""
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True)


@dataclass(frozen=True)
class Answer:
    """Status 0 closes the connection instead, None never answers."""

    status: int | None = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def json_answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    kind = {"content-type": "application/json"}
    return Answer(status, json.dumps(content).encode(), kind | (headers or {}))


Handler = Callable[[Request], Awaitable[Answer]]


class FarServer:
    """Listens on a free port of loopback for as long as its context is open."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._tasks: set[asyncio.Task[None]] = set()
        self.base_url = ""

    async def __aenter__(self) -> FarServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.base_url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Refuse connections from now on, and break those there are."""
        self._server.close()
        self.hang_up()
        await self.idle()
        await self._server.wait_closed()

    def hang_up(self) -> None:
        """Break every connection there is; new ones are taken."""
        for task in self._tasks:
            task.cancel()

    async def idle(self) -> None:
        """Wait until no connection is left."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(ConnectionError, h11.RemoteProtocolError):
                await self._converse(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()  # stopping: the task is over either way
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        while True:
            request = await _request(connection, reader)
            if request is None:
                return
            answer = await self._handler(request)
            if answer.status is None:
                await reader.read()
                return
            if answer.status == 0:
                writer.transport.abort()
                return
            writer.write(_written(connection, answer, answer.status))
            await writer.drain()
            if connection.our_state is not h11.DONE:
                return
            connection.start_next_cycle()


class InProcess(httpx.AsyncBaseTransport):
    """Carries requests to a handler without a connection."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name.decode().lower(): value.decode() for name, value in request.headers.raw}
        target = request.url.raw_path.decode()
        body = await request.aread()
        answer = await self._handler(Request(request.method, target, headers, body))
        assert answer.status, "only a connection can be dropped or left hanging"
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body)


async def _request(connection: h11.Connection, reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection; None when the client left."""
    head: h11.Request | None = None
    body = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            headers = {name.decode().lower(): value.decode() for name, value in head.headers}
            return Request(head.method.decode(), head.target.decode(), headers, body)
        else:
            return None


def _written(connection: h11.Connection, answer: Answer, status: int) -> bytes:
    headers = {"content-length": str(len(answer.body))} | answer.headers
    head = h11.Response(status_code=status, headers=list(headers.items()))
    parts = (connection.send(head), connection.send(h11.Data(data=answer.body)))
    end = connection.send(h11.EndOfMessage())
    return b"".join(part for part in (*parts, end) if part)
