"""JavaScript of the vendors' pages under Node, with the packages that it asks for."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

FOLDER = Path(__file__).with_name("javascript")
WITHIN = 60


async def run_node(script: str, variables: Mapping[str, str]) -> str:
    """What a script prints; skips the test where there is no Node."""
    await install(FOLDER)
    return await run(["node", "-e", script], variables, FOLDER)


async def install(folder: Path) -> None:
    """What the folder's lock file names; skips the test where there is no Node."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("there is no Node on this machine")
    await asyncio.to_thread(_install, folder)


async def run(command: list[str], variables: Mapping[str, str], folder: Path) -> str:
    """What a command prints. Fails with what it says on its error output."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(WITHIN):
        told, complaint = await process.communicate()
    assert process.returncode == 0, complaint.decode()
    return told.decode()


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
