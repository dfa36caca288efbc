"""HTTP with a provider: what breaks, by real connections."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest

from outdial.providers.errors import Misconfigured, PlacementUnknown, ProviderError, Unavailable
from outdial.providers.http import exchange as http
from outdial.providers.http.exchange import HeaderAuth, ProviderHttp
from outdial.providers.port import LineConfig
from tests.providers.contract.server import Answer, FarServer, Request

Send = Callable[..., Awaitable[httpx.Response]]


class Far:
    """Answers what it is told to, and counts."""

    def __init__(self) -> None:
        self.reply = Answer(200, b"{}")
        self.requests: list[Request] = []

    async def __call__(self, request: Request) -> Answer:
        self.requests.append(request)
        return self.reply


@pytest.fixture
def far() -> Far:
    return Far()


@pytest.fixture
async def server(far: Far) -> AsyncIterator[FarServer]:
    async with FarServer(far) as server:
        yield server


@asynccontextmanager
async def client(
    base_url: str, seconds: float = 10, auth: httpx.Auth | None = None
) -> AsyncIterator[ProviderHttp]:
    limit = timedelta(seconds=seconds)
    line = LineConfig(name="main", base_url=base_url, request_timeout=limit)
    made = ProviderHttp(line, default_url="", auth=auth)
    yield made
    await made.aclose()


async def _both(base_url: str, seconds: float = 10) -> tuple[ProviderError, ProviderError]:
    """What a create raises, and what any other request does."""
    async with client(base_url, seconds) as http_line:
        with pytest.raises(ProviderError) as create:
            await http_line.create("POST", "/calls", json={})
        with pytest.raises(ProviderError) as ask:
            await http_line.ask("GET", "/calls")
    return create.value, ask.value


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (Answer(0), 10),
        (Answer(None), 0.2),
        (Answer(200, b"no gzip", {"content-encoding": "gzip"}), 10),
        (Answer(200, b"x" * 20, {"content-length": "200"}), 0.2),
    ],
    ids=["reset", "silence", "garbled", "cut short"],
)
async def test_what_breaks_after_it_left_may_have_arrived(
    far: Far, server: FarServer, reply: Answer, seconds: float
) -> None:
    far.reply = reply
    create, ask = await _both(server.base_url, seconds)
    assert type(create) is PlacementUnknown
    assert type(ask) is Unavailable
    assert len(far.requests) == 2, "a request was repeated"


async def test_a_connection_nobody_takes_was_never_made(server: FarServer) -> None:
    await server.stop()
    create, ask = await _both(server.base_url)
    assert (type(create), create.provider_code) == (Unavailable, "ConnectError")
    assert type(ask) is Unavailable


@pytest.fixture
def deaf() -> Iterator[str]:
    """A listener with a full backlog: connections to it are never made."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        yield "http://{}:{}".format(*address)
        for one in waiting:
            one.close()


async def test_a_connection_that_takes_too_long_was_never_made(deaf: str) -> None:
    create, ask = await _both(deaf, 0.4)
    assert (type(create), create.provider_code) == (Unavailable, "ConnectTimeout")
    assert type(ask) is Unavailable


async def test_no_free_connection_is_none(
    far: Far, server: FarServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "_CONNECTIONS", 0)
    create, ask = await _both(server.base_url, 0.4)
    assert (type(create), create.provider_code) == (Unavailable, "PoolTimeout")
    assert type(ask) is Unavailable
    assert far.requests == []


@pytest.mark.parametrize(
    "base_url",
    ["", "localhost:8080", "ftp://localhost", "http://", "https://me:pw@localhost"],
)
async def test_an_address_that_is_none(base_url: str) -> None:
    with pytest.raises(Misconfigured, match="base_url") as caught:
        async with client(base_url):
            pass
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("method", ["create", "ask"])
async def test_an_address_from_an_answer_may_be_none(
    far: Far, server: FarServer, method: str
) -> None:
    async with client(server.base_url) as http_line:
        send: Send = getattr(http_line, method)
        with pytest.raises(Misconfigured):
            await send("POST", "ftp://localhost/control")
    assert far.requests == []


async def test_every_answer_is_returned_and_no_redirect_followed(
    far: Far, server: FarServer
) -> None:
    async with client(server.base_url) as http_line:
        for status in (200, 303, 404, 429, 500):
            far.reply = Answer(status, b"", {"location": "/elsewhere"})
            assert (await http_line.create("POST", "/calls")).status_code == status
            assert (await http_line.ask("POST", "/calls")).status_code == status
    assert {request.target for request in far.requests} == {"/calls"}
    assert len(far.requests) == 10


async def test_the_credential_can_be_left_out(far: Far, server: FarServer) -> None:
    async with client(server.base_url, auth=HeaderAuth("x-key", "secret")) as http_line:
        await http_line.ask("GET", "/ours")
        await http_line.ask("GET", f"{server.base_url}/theirs", auth=None)
    assert [request.headers.get("x-key") for request in far.requests] == ["secret", None]


async def test_an_idle_connection_is_not_used_again_once_it_is_closed(
    far: Far, server: FarServer
) -> None:
    """A server that closes idle connections must not make a create unknown."""
    async with client(server.base_url) as http_line:
        await http_line.create("POST", "/calls")
        server.hang_up()
        await server.idle()
        await http_line.create("POST", "/calls")
    assert len(far.requests) == 2
