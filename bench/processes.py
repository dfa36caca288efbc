"""Processes of a benchmark: started, waited for, and their CPU time read."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import AsyncExitStack
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far (proc_pid_stat(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def start(stack: AsyncExitStack, log: Path, *arguments: str) -> int:
    """Start a process that ends with the stack; its pid."""
    output = stack.enter_context(log.open("wb"))
    child = await asyncio.create_subprocess_exec(
        *arguments, cwd=ROOT, stdout=output, stderr=output, env={**os.environ, "PYTHONPATH": "."}
    )

    async def end() -> None:
        if child.returncode is None:
            child.kill()
        await child.wait()

    stack.push_async_callback(end)
    return child.pid


async def start_python(stack: AsyncExitStack, log: Path, *arguments: str) -> int:
    return await start(stack, log, sys.executable, "-m", *arguments)


async def until_open(port: int) -> None:
    """Return once something listens; raises TimeoutError after 30 seconds."""
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            await writer.wait_closed()
            return
