"""An ASGI application on a port of this machine."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from outdial.api.connections import SERVER_OPTIONS


class _Server(uvicorn.Server):
    """Leaves the signals of the test process alone, and ends as soon as it is told to.

    uvicorn itself looks every 0.1 s whether it should, and waits as long again: a third of what
    many tests would take.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._over = asyncio.Event()

    def install_signal_handlers(self) -> None:
        return None

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._over.wait()

    def end(self) -> None:
        self.should_exit = True
        self._over.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """What is being answered is answered first."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while self.server_state.connections or self.server_state.tasks:
            await asyncio.sleep(0.002)
        await self.lifespan.shutdown()


@asynccontextmanager
async def listening(app: FastAPI, port: int = 0, **options: Any) -> AsyncIterator[str]:
    """Where the application listens while it does; afterwards connections are refused."""
    listener = _listen(port)
    config = uvicorn.Config(app, lifespan="on", **SERVER_OPTIONS | options)
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.end()
        await task


def client_at(base: str | httpx.URL = "", **more: Any) -> httpx.AsyncClient:
    """A client for plain HTTP alone: reading the machine's certificates would take 25 ms."""
    return httpx.AsyncClient(base_url=base, trust_env=False, verify=False, **more)


def _listen(port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only on sockets that name their protocol, and
    # `socket.create_server` makes one that does not: every answer would take 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(100)
    return listener
