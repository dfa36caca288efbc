"""Runs a command: its event loop, its interruptions, and one line for each error."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

from sqlalchemy.exc import OperationalError, ProgrammingError
from temporalio.service import RPCError

from outdial.cli.output import fail
from outdial.intake.problems import DefinitionInvalid
from outdial.providers.lines import UnknownLine
from outdial.runtime.connection import TemporalMismatch, TemporalUnreachable, release_clients
from outdial.runtime.schema import wrong_schema
from outdial.runtime.settings.file import SettingsInvalid
from outdial.runtime.settings.settings import Settings, load_settings
from outdial.runtime.stack.embedded import StackFailed, StackRunning
from outdial.services.errors import ServiceError
from outdial.store.db.errors import StoreError

_TOLD = (
    ServiceError,
    StackFailed,
    StackRunning,
    StoreError,
    TemporalMismatch,
    TemporalUnreachable,
    UnknownLine,
)
"""Errors that say in their own words what is wrong and what would be right."""


def settings_or_fail() -> Settings:
    """The settings of this command; wrong ones end it with a line each."""
    try:
        return load_settings()
    except SettingsInvalid as error:
        fail(*error.problems)


def run(work: Coroutine[Any, Any, int]) -> None:
    """Run a command to its exit code; SIGTERM ends it as Ctrl-C does.

    Raises SystemExit, and KeyboardInterrupt for Ctrl-C.
    """
    try:
        code = asyncio.run(_interruptible(work))
    except DefinitionInvalid as error:
        fail(*str(error).splitlines())
    except SettingsInvalid as error:
        fail(*error.problems)
    except _TOLD as error:
        fail(str(error))
    except RPCError as error:
        fail(f"Temporal refused: {error.message}")
    except (OperationalError, ProgrammingError) as error:
        fail(wrong_schema(error))
    finally:
        release_clients()
    raise SystemExit(code)


async def _interruptible(work: Coroutine[Any, Any, int]) -> int:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await work
