"""Parses in few threads of its own: however many definitions are sent at once, the event loop goes
on, and other work that needs a thread finds one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

SMALL = 50_000
"""Characters that are parsed within a second or two; what is longer has a thread of its own, so
that smaller ones do not wait for it."""
SMALL_AT_ONCE = 2
LARGE_AT_ONCE = 1
"""Python parses one text at a time in any case; a second large one only makes both slower."""

_small = ThreadPoolExecutor(SMALL_AT_ONCE, thread_name_prefix="parse-small")
_large = ThreadPoolExecutor(LARGE_AT_ONCE, thread_name_prefix="parse-large")

P = ParamSpec("P")
T = TypeVar("T")


async def parse_apart(size: int, parse: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `parse`, which reads a text of about `size` characters, when its turn comes.

    Whoever stops waiting before that loses the turn; what has begun goes on to its end.
    """
    pool = _small if size <= SMALL else _large
    return await asyncio.get_running_loop().run_in_executor(pool, partial(parse, *args, **kwargs))
