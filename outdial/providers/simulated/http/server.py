"""The simulated network as an HTTP service, in this process and on this event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

import uvicorn
from starlette.applications import Starlette

from outdial.providers.simulated.http import api, control
from outdial.providers.simulated.http.connection import Protocol
from outdial.providers.simulated.http.simulation import Simulation
from outdial.providers.simulated.telephony.network import Clock
from outdial.providers.simulated.telephony.settings import NetworkSettings

DEFAULT_API_KEY = "simulated-key"
DEFAULT_WEBHOOK_SECRET = "whsec_c2ltdWxhdGVkLW5ldHdvcmstc2VjcmV0"

_BACKLOG = 2048
_KEEP_ALIVE_SECONDS = 75
"""Longer than any client here keeps an idle connection, so that the client closes first."""


def system_clock() -> datetime:
    return datetime.now(UTC)


class SimulatedNetwork:
    """A network that runs between `start` and `stop`; port 0 takes a free one.

    `public_url` is where others reach it, if that is not where it listens.
    """

    def __init__(
        self,
        settings: NetworkSettings | None = None,
        *,
        api_key: str = DEFAULT_API_KEY,
        webhook_secret: str = DEFAULT_WEBHOOK_SECRET,
        host: str = "127.0.0.1",
        port: int = 0,
        public_url: str | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self.api_key = api_key
        self.webhook_secret = webhook_secret
        self.base_url = ""
        """Known once started."""
        self.simulation = Simulation(
            settings or NetworkSettings(),
            api_key=api_key,
            webhook_secret=webhook_secret,
            clock=clock,
        )
        self._host = host
        self._port = port
        self._public_url = public_url
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen and answer.

        Raises OSError when the port is taken.
        """
        app = Starlette(routes=[*api.routes(), *control.routes()])
        app.state.simulation = self.simulation
        listener = _listen(self._host, self._port)
        host, port = listener.getsockname()[:2]
        self.base_url = f"http://{host}:{port}"
        self.simulation.serve_at(self._public_url or self.base_url)
        self._server = _Server(
            uvicorn.Config(
                app,
                http=Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=1,
            )
        )
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        await self._server.ready.wait()

    async def stop(self) -> None:
        """Stop at once: open requests are cut off, calls and webhooks are forgotten."""
        if self._server is None or self._serving is None:
            return
        self._server.should_exit = True
        for listener in self._server.servers:
            listener.close()
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        await self._serving
        await self.simulation.aclose()
        self._server = self._serving = None

    async def __aenter__(self) -> SimulatedNetwork:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def configure(self, patch: dict[str, Any]) -> None:
        """Lay a patch over the settings, as `PUT /sim/config` does."""
        self.simulation.configure(patch)

    def stats(self) -> dict[str, Any]:
        """What `GET /sim/stats` answers."""
        return self.simulation.stats()


def _listen(host: str, port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only on sockets that name their protocol, and
    # `socket.create_server` makes one that does not: every answer would take 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


class _Server(uvicorn.Server):
    """Says when it listens, and leaves the signals of its process alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield
