"""The command line as a process of its own, as people run it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
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
results = [CliRunner().invoke(app, command) for command in json.loads(sys.argv[1])]
print(json.dumps([dict(code=one.exit_code, out=one.stdout, err=one.stderr) for one in results]))
"""
PATIENCE = 90.0
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


async def outdial_in_turn(
    environ: Mapping[str, str], *commands: Sequence[str | Path]
) -> list[CommandResult]:
    """Run commands one after the other in a process that is started once, which takes longer than
    most commands."""
    listed = json.dumps([list(map(str, command)) for command in commands])
    process = await _start(environ, sys.executable, "-P", "-c", IN_TURN, listed)
    result = await ended(process)
    assert result.code == 0, result
    return [CommandResult(**each) for each in json.loads(result.out)]


async def start(environ: Mapping[str, str], *arguments: str | Path) -> asyncio.subprocess.Process:
    return await _start(environ, OUTDIAL, *arguments)


async def _start(environ: Mapping[str, str], *command: str | Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *map(str, command),
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
