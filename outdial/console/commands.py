"""The command line that does what a button does."""

from __future__ import annotations

import shlex


def command(*arguments: str) -> str:
    """`outdial pause spring-checkups`, quoted for a shell."""
    return shlex.join(("outdial", *arguments))
