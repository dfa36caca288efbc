"""Runs a command: its event loop, its interruptions, and one line for each error."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

from sqlalchemy.exc import OperationalError, ProgrammingError
from temporalio.service import RPCError

from outdial.cli.attachment import NothingYet
from outdial.cli.exit_codes import EXIT_CODE
from outdial.cli.output import fail
from outdial.domain.errors import OutdialError
from outdial.runtime.connection import release_clients
from outdial.runtime.schema import wrong_schema
from outdial.runtime.settings.file import SettingsInvalid
from outdial.runtime.settings.settings import Settings, load_settings


def settings_or_fail() -> Settings:
    """The settings of this command; wrong ones end it with a line each."""
    try:
        return load_settings()
    except SettingsInvalid as error:
        fail(*error.problems, code=EXIT_CODE[error.code])


def run(work: Coroutine[Any, Any, int]) -> None:
    """Run a command to its exit code; SIGTERM ends it as Ctrl-C does.

    Raises SystemExit, and KeyboardInterrupt for Ctrl-C.
    """
    try:
        code = asyncio.run(_interruptible(work))
    except NothingYet:
        raise  # what is right then differs from command to command
    except OutdialError as error:
        if error.code not in EXIT_CODE:
            raise
        fail(str(error), code=EXIT_CODE[error.code])
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
