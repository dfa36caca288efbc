"""`python -m bench.creations`: calls asked for over HTTP, on PostgreSQL, at a steady rate.

The goal is 200 a second for 30 s on two cores without an error. Beside it stands what the same
server does with a request that only looks at the key: the least that any request costs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from bench.processes import cpu_seconds, free_port, start_python, until_open
from providers.lines import Lines
from runtime.clock import system_clock
from runtime.connection import connect_temporal
from runtime.settings import load_settings
from services.context import ServiceContext
from services.keys import create_key
from store.database import Database
from store.tables import call_request
from tests.databases import postgresql_database, postgresql_server

CONNECTIONS = 32


@dataclass
class Seen:
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def at(self, share: float) -> float:
        return sorted(self.seconds)[int(share * (len(self.seconds) - 1))] * 1000


async def main(rate: int, seconds: int) -> None:
    with postgresql_server() as server, postgresql_database(server) as url:
        database = Database(url)
        database.migrate()
        async with AsyncExitStack() as stack:
            port, pid = await _serve(stack, url)
            key = await _key(database, url)
            for name, request in (("key only", _lines(key)), ("create a call", _create(key))):
                before = cpu_seconds(pid)
                seen = await _load(port, request, rate, seconds)
                _tell(name, seen, rate, seconds, cpu_seconds(pid) - before)
        made = await database.read(
            lambda s: s.connection().execute(select(func.count(call_request.c.id))).scalar_one()
        )
        print(f"requests on the roster: {made}")
        database.dispose()


async def _serve(stack: AsyncExitStack, url: str) -> tuple[int, int]:
    """The API as a process of its own, without any Temporal."""
    port = free_port()
    os.environ |= {
        "OUTDIAL_DATABASE_URL": url,
        "OUTDIAL_API_PORT": str(port),
        "OUTDIAL_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "OUTDIAL_TEMPORAL_ADDRESS": "127.0.0.1:1",
        "OUTDIAL_LINES__SIMULATED__PROVIDER": "simulated",
        "OUTDIAL_LINES__SIMULATED__BASE_URL": "http://127.0.0.1:1",
        "OUTDIAL_LINES__SIMULATED__CREDENTIALS__WEBHOOK_SECRET": "whsec_c2lnbmVk",
        "OUTDIAL_LINES__SIMULATED__CREDENTIALS__API_KEY": "key",
        "OUTDIAL_LOG_LEVEL": "ERROR",
    }
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="outdial-bench-"))
    pid = await start_python(stack, Path(folder) / "api.log", "api")
    await until_open(port)
    return port, pid


async def _key(database: Database, url: str) -> str:
    temporal = await connect_temporal(load_settings(), lazy=True)
    ctx = ServiceContext(database, temporal, Lines([]), system_clock)
    return (await create_key(ctx, "bench", ("*",))).text


def _lines(key: str) -> bytes:
    return _head("GET", "/v1/keys?limit=1", key, b"")


def _create(key: str) -> bytes:
    order = {"to": "+12125550143", "agent": "reminder", "context": {"order": 1}}
    return _head("POST", "/v1/calls", key, json.dumps(order).encode())


def _head(method: str, path: str, key: str, body: bytes) -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body


async def _load(port: int, request: bytes, rate: int, seconds: int) -> Seen:
    """Requests at a rate, whether or not those before were answered."""
    seen, due = Seen(), asyncio.Queue[float]()
    workers = [asyncio.create_task(_ask(port, request, due, seen)) for _ in range(CONNECTIONS)]
    begun = time.monotonic()
    for number in range(rate * seconds):
        at = begun + number / rate
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        due.put_nowait(at)
    await due.join()
    for worker in workers:
        worker.cancel()
    return seen


async def _ask(port: int, request: bytes, due: asyncio.Queue[float], seen: Seen) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        at = await due.get()
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        seen.statuses[int(head[9:12])] += 1
        seen.seconds.append(time.monotonic() - at)
        due.task_done()


def _tell(name: str, seen: Seen, rate: int, seconds: int, cpu: float) -> None:
    print(
        f"{name:<14} {rate}/s for {seconds} s: {dict(seen.statuses)}, "
        f"median {seen.at(0.5):.0f} ms, p99 {seen.at(0.99):.0f} ms, "
        f"API {1000 * cpu / (rate * seconds):.2f} ms CPU a request"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=30)
    asked = parser.parse_args()
    asyncio.run(main(asked.rate, asked.seconds))
