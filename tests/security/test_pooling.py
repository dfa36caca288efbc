"""A connection whose certificate was checked for one name carries requests for no other."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from outdial.resources.outgoing import addresses
from outdial.resources.outgoing.addresses import GuardedTransport, UrlRefused


@dataclass
class Server:
    """Speaks HTTPS for one name, and keeps its connections open."""

    port: int = 0
    connections: int = 0
    hosts: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                self.hosts += [one[6:] for one in lines if one.lower().startswith("host: ")]
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tls") / "one.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=one.test", "-addext",
         "subjectAltName=DNS:one.test", "-keyout", str(made), "-out", str(made) + ".crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    made.write_text(made.read_text() + Path(f"{made}.crt").read_text())
    return made


@pytest.fixture
async def server(certificate: Path) -> AsyncIterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=context)
    made.port = listening.sockets[0].getsockname()[1]
    yield made
    listening.close()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> dict[str, str]:
    """Names and their addresses, and the server's certificate for an authority."""
    hosts = {"one.test": "127.0.0.1", "two.test": "127.0.0.1", "inner.test": "10.1.2.3"}
    real = socket.getaddrinfo

    def look_up(host: str, *more: Any, **named: Any) -> object:
        return real(hosts.get(host, host), *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    trusted = ssl.create_default_context(cafile=f"{certificate}.crt")
    monkeypatch.setattr(addresses, "_certificates", lambda ca_file: trusted)
    return hosts


async def test_a_name_gets_no_connection_of_another(server: Server, names: object) -> None:
    transport = GuardedTransport(allow_private=True)
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
        first = await client.post(f"https://one.test:{server.port}/")
        assert first.status_code == 200
        again = await client.post(f"https://one.test:{server.port}/")
        assert again.status_code == 200
        # One address; but the certificate there is not this name's.
        with pytest.raises(httpx.ConnectError, match="certificate"):
            await client.post(f"https://two.test:{server.port}/")
    assert server.connections in (1, 2)
    assert server.hosts == [f"one.test:{server.port}"] * 2


async def test_a_name_is_checked_where_the_connection_is_opened(names: dict[str, str]) -> None:
    async with httpx.AsyncClient(transport=GuardedTransport(), trust_env=False) as client:
        for host in ("inner.test", "one.test"):
            with pytest.raises(UrlRefused, match="no public address"):
                await client.post(f"https://{host}/")
        # A name that leads elsewhere by now is looked up once, and not once more.
        names["moving.test"] = "169.254.169.254"
        with pytest.raises(UrlRefused):
            await client.post("https://moving.test/")


async def test_hosts_that_the_settings_allow(server: Server, names: object) -> None:
    transport = GuardedTransport(allow_hosts={"one.test"})
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
        assert (await client.post(f"https://one.test:{server.port}/")).status_code == 200
        with pytest.raises(UrlRefused):
            await client.post(f"https://two.test:{server.port}/")
