"""`python -m bench.creations`: calls requested over HTTP, on PostgreSQL, at a steady rate.

The goal is 200 a second for 30 s on two cores without an error. For comparison, the same
servers are measured with a request that only checks the key: the least that any request costs.
Nothing else runs meanwhile; with `--drain` the engine is started afterwards, calls every recipient,
and the counts are read from the simulated network.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path

from sqlalchemy import func, select

from bench.drain import drain
from bench.processes import cpu_seconds, free_port, start_python, until_open
from outdial.providers.lines import Lines
from outdial.resources.resources import Resources
from outdial.runtime.clock import system_clock
from outdial.runtime.connection import connect_temporal
from outdial.runtime.settings.settings import load_settings
from outdial.services.accounts.keys import create_key
from outdial.store.db.database import Database
from outdial.store.db.tables import call_request
from tests.databases import postgresql_database, postgresql_server

CONNECTIONS = 32


@dataclass
class Load:
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    """From the moment a request was due to its answer."""
    sent_within: float = 0.0
    answered_within: float = 0.0

    def at(self, share: float) -> float:
        return sorted(self.seconds)[int(share * (len(self.seconds) - 1))] * 1000


async def main(rate: int, seconds: int, processes: int, drained: bool) -> None:
    with (
        postgresql_server() as server,
        postgresql_database(server) as url,
        tempfile.TemporaryDirectory(prefix="outdial-bench-") as folder,
    ):
        database = Database(url)
        database.migrate()
        made = await _accept(database, url, Path(folder), rate, seconds, processes)
        print(f"requests on the roster: {made}")
        if drained:
            print(await drain(database, url, Path(folder), made))
        database.dispose()


async def _accept(
    database: Database, url: str, folder: Path, rate: int, seconds: int, processes: int
) -> int:
    """Ask for calls; how many stand on the roster afterwards."""
    async with AsyncExitStack() as stack:
        served = [await _serve(stack, folder, url) for _ in range(processes)]
        ports, pids = [port for port, _ in served], [pid for _, pid in served]
        key = await _key(database, url)
        for name, request in (("key only", _lines), ("create a call", _create)):
            before = sum(map(cpu_seconds, pids))
            load = await _load(ports, partial(request, key), rate, seconds)
            _print_load(name, load, rate, seconds, sum(map(cpu_seconds, pids)) - before)
    return await database.read(
        lambda s: s.connection().execute(select(func.count(call_request.c.id))).scalar_one()
    )


async def _serve(stack: AsyncExitStack, folder: Path, url: str) -> tuple[int, int]:
    """The API as a process of its own, without any Temporal: its port and its pid."""
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
    pid = await start_python(stack, folder / f"api-{port}.log", "outdial.api")
    await until_open(port)
    return port, pid


async def _key(database: Database, url: str) -> str:
    temporal = await connect_temporal(load_settings(), lazy=True)
    ctx = Resources(database, temporal, Lines([]), system_clock)
    return (await create_key(ctx, "bench", ("*",))).text


def _lines(key: str, number: int) -> bytes:
    return _head("GET", "/v1/keys?limit=1", key, b"")


def _create(key: str, number: int) -> bytes:
    order = {
        "to": f"+1212{5550000 + number:07}",
        "agent": "reminder",
        "schedule": {"hours": "00:00-24:00"},
        "context": {"order": number},
    }
    return _head("POST", "/v1/calls", key, json.dumps(order).encode())


def _head(method: str, path: str, key: str, body: bytes) -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body


async def _load(ports: list[int], request: Callable[[int], bytes], rate: int, seconds: int) -> Load:
    """Requests at a rate, whether or not those before were answered."""
    load, due = Load(), asyncio.Queue[tuple[float, bytes]]()
    askers = [
        asyncio.create_task(_ask(port, due, load))
        for _, port in zip(range(CONNECTIONS), cycle(ports), strict=False)
    ]
    begun = time.monotonic()
    for number in range(rate * seconds):
        at = begun + number / rate
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        due.put_nowait((at, request(number)))
    load.sent_within = time.monotonic() - begun
    await due.join()
    load.answered_within = time.monotonic() - begun
    for asker in askers:
        asker.cancel()
    return load


async def _ask(port: int, due: asyncio.Queue[tuple[float, bytes]], load: Load) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        at, request = await due.get()
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        load.statuses[int(head[9:12])] += 1
        load.seconds.append(time.monotonic() - at)
        due.task_done()


def _print_load(name: str, load: Load, rate: int, seconds: int, cpu: float) -> None:
    print(
        f"{name:<14} {rate}/s for {seconds} s: {dict(load.statuses)}, "
        f"sent within {load.sent_within:.1f} s, answered within {load.answered_within:.1f} s, "
        f"median {load.at(0.5):.0f} ms, p99 {load.at(0.99):.0f} ms, "
        f"API {1000 * cpu / (rate * seconds):.2f} ms CPU a request"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--processes", type=int, default=2, help="of the API")
    parser.add_argument("--drain", action="store_true", help="then call every recipient")
    options = parser.parse_args()
    asyncio.run(main(options.rate, options.seconds, options.processes, options.drain))
