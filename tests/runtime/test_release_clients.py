"""A process that used Temporal ends with its own exit code, however slow the client's threads are.

A thread of the client wakes the event loop and gives up the interpreter's lock meanwhile; if the
interpreter has ended before the thread asks for it again, the process is aborted.
"""

from __future__ import annotations

import asyncio
import os
import sys

import pytest
from temporalio.testing import WorkflowEnvironment

SLOW_CLIENT = """
import asyncio, os, sys, threading, time
from asyncio.selector_events import BaseSelectorEventLoop
from temporalio.client import Client
from outdial.runtime.temporal_config import release_clients

main_thread = threading.get_ident()
wake = BaseSelectorEventLoop._write_to_self

def wake_slowly(loop):
    wake(loop)
    if threading.get_ident() != main_thread:
        time.sleep(float(sys.argv[2]))

BaseSelectorEventLoop._write_to_self = wake_slowly

async def main():
    client = await Client.connect(sys.argv[1])
    await client.count_workflows()

asyncio.run(main())
release_clients()
"""


@pytest.mark.parametrize("seconds", ["0.03", "0.2"])
async def test_the_process_is_not_aborted(
    everybodys_server: WorkflowEnvironment, seconds: str
) -> None:
    address = everybodys_server.client.service_client.config.target_host
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SLOW_CLIENT + "assert not any(i != main_thread for i in sys._current_frames())\n",
        address,
        seconds,
        env=os.environ,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
