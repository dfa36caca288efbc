"""The command line as a process of its own, as people run it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OUTDIAL = Path(sys.executable).with_name("outdial")
IN_TURN = """
import json, sys
from typer.testing import CliRunner
from outdial.cli.main import app
for line in sys.stdin:
    one = CliRunner().invoke(app, json.loads(line))
    print(json.dumps(dict(code=one.exit_code, out=one.stdout, err=one.stderr)), flush=True)
"""
PATIENCE = 240.0
"""Seconds; a stack of one's own takes some of them to start and to stop."""


@dataclass(frozen=True)
class CommandResult:
    code: int
    out: str
    err: str

    @property
    def last_json(self) -> dict[str, Any]:
        """The object on the last line of standard output."""
        return dict(json.loads(self.out.splitlines()[-1]))


async def outdial(environ: Mapping[str, str], *arguments: str | Path) -> CommandResult:
    """Run a command to its end."""
    process = await start(environ, *arguments)
    return await ended(process)


class CommandLine:
    """Runs commands one after the other in a process that is started once, which takes longer
    than most commands."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def __call__(self, *arguments: str | Path) -> CommandResult:
        wanted, answers = self._process.stdin, self._process.stdout
        assert wanted is not None
        assert answers is not None
        wanted.write(json.dumps(list(map(str, arguments))).encode() + b"\n")
        line = await asyncio.wait_for(answers.readline(), PATIENCE)
        assert line, "the process has ended"
        return CommandResult(**json.loads(line))


@asynccontextmanager
async def command_line(environ: Mapping[str, str]) -> AsyncIterator[CommandLine]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-c", IN_TURN),
        cwd=ROOT,
        env=dict(environ),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    try:
        yield CommandLine(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def start(environ: Mapping[str, str], *arguments: str | Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        OUTDIAL,
        *map(str, arguments),
        cwd=ROOT,
        env=dict(environ),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ended(process: asyncio.subprocess.Process) -> CommandResult:
    try:
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode is not None
    return CommandResult(process.returncode, out.decode(), err.decode())


@asynccontextmanager
async def up(environ: Mapping[str, str]) -> AsyncIterator[None]:
    """`outdial up` in a terminal, stopped by Ctrl-C in the end."""
    process = await start(environ, "up")
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                line = await process.stdout.readline()
                if not line or line.startswith(b"Running"):
                    break
        assert line, (await process.stderr.read()).decode() if process.stderr else ""
        yield
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        result = await ended(process)
    assert result.code == 0, result
