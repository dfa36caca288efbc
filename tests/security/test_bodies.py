"""Bodies: whoever asks comes first, nothing is read beyond its bound, nothing waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import Message

from outdial.api.admission import AdmittedRoute, admission_of
from outdial.api.app import build_app, open_state
from outdial.api.bodies import LARGE, MAX_BODY, BoundBodies
from outdial.api.connections import BoundedHttp
from tests.api.conftest import serving
from tests.api.v1.conftest import bearer, new_key
from tests.services.world import World
from tests.serving import listening

NO_ADMISSION = {"/hooks", "/tools", "/healthz", "/readyz", "/webhooks/", "/api/webhooks/"}
"""Signed requests, and those of whoever watches the process."""


def routes_of(app: FastAPI, prefix: str = "") -> Iterator[tuple[str, APIRoute]]:
    """Every route of an application and of those mounted in it, with its path."""
    for route in flat(app.routes):
        if isinstance(route, APIRoute):
            yield prefix + route.path, route
        elif isinstance(inner := getattr(route, "app", None), FastAPI):
            yield from routes_of(inner, prefix + str(getattr(route, "path", "")))


def flat(routes: Any) -> Iterator[BaseRoute]:
    for route in routes:
        nested = getattr(getattr(route, "original_router", None), "routes", None)
        if nested is None:
            yield route
        else:
            yield from flat(nested)


def open_to_anybody(path: str) -> bool:
    inner = path.partition("/compat/")[2].partition("/")[2]
    return any(path.startswith(each) or f"/{inner}".startswith(each) for each in NO_ADMISSION)


def filled(path: str) -> str:
    return "/".join("x" if part.startswith("{") else part for part in path.split("/"))


async def test_every_route_admits_its_caller_before_it_reads(world: World) -> None:
    """By the application's own list of routes, so that a new one is tried too."""
    tried = set()

    async def never() -> Message:
        raise AssertionError("the body was read")

    app = build_app(lambda: open_state(world.ctx, "http://testserver"))
    async with app.router.lifespan_context(app):
        for path, route in routes_of(app):
            if open_to_anybody(path):
                continue
            assert isinstance(route, AdmittedRoute), path
            assert admission_of(route.dependant) is not None, path
            for method in route.methods or ():
                answered: list[Message] = []

                async def send(message: Message, kept: list[Message] = answered) -> None:
                    kept.append(message)

                await app(scope_of(method, filled(path), 3_000_000), never, send)
                headers = dict(answered[0]["headers"])
                assert (answered[0]["status"], headers[b"connection"]) == (401, b"close"), path
                tried.add((method, path))
    assert len(tried) > 90
    assert {path.split("/")[2] for _, path in tried if path.startswith("/compat")} == {
        "buildvoiceai", "thinnestai", "voxanne", "voxpria", "vozagent",
    }  # fmt: skip


def scope_of(method: str, path: str, size: int) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"host", b"testserver"),
            (b"content-type", b"application/json"),
            (b"content-length", str(size).encode()),
        ],
        "client": ("192.0.2.1", 1),
        "server": ("testserver", 80),
        "state": {},
    }


async def test_without_a_key_an_upload_ends_soon(api: httpx.AsyncClient) -> None:
    """The connection is closed after a few megabytes of a hundred."""
    for framing in ("content-length: 100000000", "transfer-encoding: chunked"):
        sent, answer = await upload(api, "/v1/calls", framing, 100_000_000)
        assert sent < 20_000_000
        assert not answer or answer.startswith(b"HTTP/1.1 401 ")


async def test_a_signed_door_takes_no_more_than_a_report(api: httpx.AsyncClient) -> None:
    for path in ("/hooks/simulated", "/tools/simulated", "/compat/voxanne/webhooks/vapi"):
        head = "content-length: 100000000\r\nx-vapi-signature: 00"
        sent, answer = await upload(api, path, head, 100_000_000)
        assert sent < 20_000_000
        assert not answer or answer.startswith(b"HTTP/1.1 413 ")


async def upload(api: httpx.AsyncClient, path: str, head: str, size: int) -> tuple[int, bytes]:
    """How many bytes of a body went out before the connection ended, and what was answered."""
    reader, writer = await asyncio.open_connection(api.base_url.host, api.base_url.port)
    start = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{head}\r\n\r\n"
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n" if "chunked" in head else b" " * 65_536
    sent = 0
    try:
        writer.write(start.encode())
        async with asyncio.timeout(20):
            while sent < size:
                writer.write(chunk)
                await writer.drain()
                sent += 65_536
    except ConnectionError:
        pass
    try:
        answer = await reader.read(64)
    except ConnectionError:
        answer = b""
    writer.close()
    return sent, answer


async def test_a_route_takes_as_much_as_it_says(api: httpx.AsyncClient, world: World) -> None:
    headers = bearer((await new_key(world)).text) | {"content-type": "application/json"}
    space = b" " * (MAX_BODY + 1)
    assert (await api.post("/v1/calls", content=space, headers=headers)).status_code == 413
    yaml = headers | {"content-type": "application/yaml"}
    answer = await api.post("/v1/campaigns", content=b"#" * (MAX_BODY + 1), headers=yaml)
    assert answer.status_code == 422
    answer = await api.post("/v1/campaigns", content=b"#" * (LARGE + 1), headers=yaml)
    assert answer.status_code == 413


class Hasty(BoundedHttp):
    head_seconds = 0.2
    head_bytes = 4_096


@pytest.fixture
async def hasty(world: World) -> AsyncIterator[tuple[str, int]]:
    """The application with short times."""
    app = BoundBodies(
        build_app(lambda: open_state(world.ctx, "http://testserver")),
        first_bytes_within=timedelta(seconds=0.2),
    )
    options = {"http": Hasty, "timeout_keep_alive": 1}
    async with listening(app, **options) as base:  # type: ignore[arg-type]
        url = httpx.URL(base)
        assert url.port is not None
        yield url.host, url.port


DRIPS = {
    "nothing at all": (b"", b""),
    "half a line": (b"GE", b""),
    "a header a byte": (b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ", b"a"),
    "empty lines": (b"\r\n", b"\r\n"),
    "empty lines after an answer": (b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n", b"\r\n"),
    "a head after an answer": (b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /", b"x"),
    "a body": (b"POST /hooks/simulated HTTP/1.1\r\nhost: x\r\ncontent-length: 999\r\n\r\n", b"1"),
    "chunks": (
        b"POST /hooks/simulated HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n",
        b"1\r\nx\r\n",
    ),
    "a chunk's extension": (
        b"POST /hooks/simulated HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1;x=",
        b"y",
    ),
    "trailers": (
        b"POST /hooks/simulated HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: ",
        b"y",
    ),
}


@pytest.mark.parametrize("drip", DRIPS)
async def test_what_drips_is_ended(hasty: tuple[str, int], drip: str) -> None:
    first, then = DRIPS[drip]
    reader, writer = await asyncio.open_connection(*hasty)
    writer.write(first)
    ended = asyncio.create_task(reader.read())
    async with asyncio.timeout(8):
        while not ended.done():
            try:
                writer.write(then)
                await writer.drain()
            except ConnectionError:
                break
            await asyncio.wait({ended}, timeout=0.02)
        try:
            answer = await ended
        except ConnectionError:
            answer = b""
    writer.close()
    if "hooks" in first.decode():
        assert not answer or answer.startswith(b"HTTP/1.1 408 ")


FLOODS = {
    "a header": (b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: ", b"a" * 1_000),
    "headers": (b"GET /healthz HTTP/1.1\r\nhost: x\r\n", b"x: " + b"a" * 995 + b"\r\n"),
    "a path": (b"GET /", b"a" * 1_000),
    "empty lines": (b"", b"\r\n" * 500),
    "trailers": (
        b"POST /hooks/simulated HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n",
        b"x: " + b"a" * 995 + b"\r\n",
    ),
    "a trailer": (
        b"POST /hooks/simulated HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: ",
        b"a" * 1_000,
    ),
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_heads_and_trailers_have_an_end(hasty: tuple[str, int], flood: str) -> None:
    first, then = FLOODS[flood]
    reader, writer = await asyncio.open_connection(*hasty)
    writer.write(first)
    sent, most = 0, 50_000_000
    try:
        async with asyncio.timeout(5):
            while sent < most:
                writer.write(then)
                await writer.drain()
                sent += len(then)
    except ConnectionError:
        pass
    writer.close()
    assert sent < most
    assert reader is not None


async def test_ordinary_clients_notice_nothing(world: World) -> None:
    """Pipelined requests, a connection used again, a refused body and then a good request."""
    app = build_app(lambda: open_state(world.ctx, "http://testserver"))
    async with serving(app) as client:
        for _ in range(3):
            assert (await client.post("/v1/calls", json={"to": "x" * 50_000})).status_code == 401
            assert (await client.get("/healthz")).status_code == 200
        host, port = client.base_url.host, client.base_url.port
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n" * 5)
        answers = b""
        async with asyncio.timeout(5):
            while answers.count(b"HTTP/1.1 200 ") < 5:
                answers += await reader.read(65_536)
        writer.close()
