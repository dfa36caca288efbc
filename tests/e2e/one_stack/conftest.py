"""Stacks for whole campaigns: one that the tests of a process share, quick and with real parts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.commands import CommandLine, command_line
from tests.e2e.stacks import Stack, environment, running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Everybody answers, and a call lasts half a second; tests use names and numbers of their own.

    Whoever changes how people behave does it for numbers of their own.
    """
    async with running(tmp_path_factory.mktemp("stack"), lines__simulated__max_concurrent=100) as s:
        yield s


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def outdial(stack: Stack) -> AsyncIterator[CommandLine]:
    """Commands beside the stack."""
    async with command_line(environment(stack.state_dir)) as commands:
        yield commands
