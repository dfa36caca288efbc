"""Python of the vendors' pages, in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from tests.compat.node import run


async def run_python(script: str, variables: Mapping[str, str]) -> str:
    """What a script prints."""
    return await run([sys.executable, "-c", script], variables, Path(__file__).parent)
