"""A real CalDAV server of our own, in a temporary folder."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.waiting import until


@asynccontextmanager
async def radicale(folder: Path) -> AsyncIterator[str]:
    """Its address; anybody may write."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "radicale.ini"
    config.write_text(
        f"[server]\nhosts = 127.0.0.1:{port}\n[auth]\ntype = none\n"
        f"[rights]\ntype = owner_only\n[storage]\nfilesystem_folder = {folder}/collections\n"
        "[logging]\nlevel = warning\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "radicale",
        "--config",
        str(config),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        await until(lambda: _answers(url), timeout=30, interval=0.05)
        yield url
    finally:
        process.terminate()
        await process.wait()


async def collection(url: str, name: str = "appointments") -> str:
    """A new calendar on the server; its address."""
    address = f"{url}/clinic/{name}/"
    async with httpx.AsyncClient(auth=("clinic", "secret"), trust_env=False) as client:
        response = await client.request("MKCALENDAR", address)
        assert response.status_code == 201, response.text
    return address


async def _answers(url: str) -> bool:
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"{url}/.web/")).status_code < 500
    except httpx.HTTPError:
        return False
