"""Samples of the vendors' pages, each in a process of its own, as its reader would run it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

WITHIN = 60


async def run_python(script: str, variables: Mapping[str, str]) -> str:
    """What a script prints."""
    return await run([sys.executable, "-c", script], variables, Path(__file__).parent)


async def run_shell(script: str) -> str:
    """What commands print; skips the test where there is no curl."""
    if shutil.which("curl") is None:
        pytest.skip("there is no curl on this machine")
    return await run(["sh", "-ec", script], {}, Path(__file__).parent)


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
        output, complaint = await process.communicate()
    assert process.returncode == 0, complaint.decode()
    return output.decode()


def ours(folder: Path, sample: str, *replaced: tuple[str, str]) -> str:
    """A sample with our base URL and key in place of theirs, and else unchanged."""
    text = (folder / "samples" / sample).read_text(encoding="utf-8")
    for theirs, our in replaced:
        assert theirs in text, theirs
        text = text.replace(theirs, our)
    return text
