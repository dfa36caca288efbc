"""What a request without a key costs the server: measured on a process of its own."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from outdial.runtime.stack.processes import listens
from tests.databases import migrated

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]
UPLOAD = 100_000_000
MAY_GROW = 40_000_000
"""Bytes. Read whole and parsed, one such body took 2.8 GB."""


@dataclass(frozen=True)
class Served:
    pid: int
    port: int

    def peak(self) -> int:
        """The largest resident size so far, in bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024


@asynccontextmanager
async def api_process(folder: Path) -> AsyncIterator[Served]:
    url = f"sqlite:///{folder / 'outdial.db'}"
    with migrated(url):
        pass
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    environment = {name: v for name, v in os.environ.items() if not name.startswith("OUTDIAL_")}
    environment |= {
        "PYTHONPATH": str(ROOT),
        "OUTDIAL_DATABASE_URL": url,
        "OUTDIAL_API_PORT": str(port),
        "OUTDIAL_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "OUTDIAL_TEMPORAL_ADDRESS": "127.0.0.1:1",
        "OUTDIAL_LINES__SIMULATED__BASE_URL": "http://127.0.0.1:1",
        "OUTDIAL_LINES__SIMULATED__CREDENTIALS__API_KEY": "key",
        "OUTDIAL_LINES__SIMULATED__CREDENTIALS__WEBHOOK_SECRET": "whsec_c2VjcmV0LW9mLWEtdGVzdA==",
    }
    log = (folder / "api.log").open("wb")
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "outdial.api", cwd=folder, env=environment, stdout=log, stderr=log
    )
    try:
        async with asyncio.timeout(240):
            while not await listens(port):
                assert child.returncode is None, (folder / "api.log").read_text()
                await asyncio.sleep(0.05)
        yield Served(child.pid, port)
    finally:
        if child.returncode is None:
            child.terminate()
        await child.wait()
        log.close()


async def upload(port: int, path: str, head: str) -> int:
    """Bytes that went out before the connection ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    start = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{head}\r\n\r\n"
    writer.write(start.encode() + b'{"to": "')
    chunk, sent = b"a" * 65_536, 0
    if "chunked" in head:
        chunk = b"10000\r\n" + chunk + b"\r\n"
    try:
        while sent < UPLOAD:
            writer.write(chunk)
            await writer.drain()
            sent += 65_536
    except ConnectionError:
        pass
    writer.close()
    assert reader is not None
    return sent


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
async def test_a_hundred_megabytes_without_a_key_cost_nothing(tmp_path: Path) -> None:
    async with api_process(tmp_path) as served:
        await upload(served.port, "/v1/calls", "content-length: 10")
        before = served.peak()
        heads = (f"content-length: {UPLOAD}", "transfer-encoding: chunked")
        paths = ("/v1/calls", "/v1/campaigns", "/compat/voxpria/api/v1/contacts/bulk",
                 "/hooks/simulated", "/tools/simulated", "/nothing/here")  # fmt: skip
        async with asyncio.timeout(240):
            sent = await asyncio.gather(
                *(upload(served.port, path, head) for path in paths for head in heads)
            )
        grown = served.peak() - before
    print(f"\n{len(sent)} uploads of {UPLOAD:,} bytes: at most {max(sent):,} sent, "  # noqa: T201
          f"{grown:,} bytes more resident")  # fmt: skip
    assert max(sent) < UPLOAD / 4
    assert grown < MAY_GROW
