"""JavaScript of the vendors' pages under Node, with the packages that it asks for."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import pytest

from tests.compat.samples import run

FOLDER = Path(__file__).with_name("javascript")
COMMON, MODULE = "commonjs", "module"


async def run_node(script: str, variables: Mapping[str, str], kind: str = COMMON) -> str:
    """What a script prints; skips the test where there is no Node."""
    return await run(await _command(script, kind), variables, FOLDER)


async def install(folder: Path) -> None:
    """What the folder's lock file names; skips the test where there is no Node."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("there is no Node on this machine")
    await asyncio.to_thread(_install, folder)


@asynccontextmanager
async def node_server(
    script: str, variables: Mapping[str, str]
) -> AsyncIterator[asyncio.StreamReader]:
    """What a script prints, while it runs."""
    process = await asyncio.create_subprocess_exec(
        *await _command(script, COMMON),
        cwd=FOLDER,
        env={"PATH": os.environ["PATH"], **variables},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _command(script: str, kind: str) -> list[str]:
    await install(FOLDER)
    return ["node", f"--input-type={kind}", "--eval", script]


@cache
def _install(folder: Path) -> None:
    """Once, into the folder of the lock file."""
    marker = folder / "node_modules" / ".package-lock.json"
    lock = folder / "package-lock.json"
    if marker.exists() and marker.stat().st_mtime >= lock.stat().st_mtime:
        return
    quiet = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(quiet, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
