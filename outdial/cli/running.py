"""Runs a command: its event loop, its interruptions, and one line for each error."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from outdial.cli.exit_codes import EXIT_CODE, FAILED
from outdial.cli.output import fail
from outdial.domain.errors import OutdialError

if TYPE_CHECKING:
    from outdial.runtime.settings.settings import Settings


def settings_or_fail() -> Settings:
    """The settings of this command; wrong ones end it with a line each."""
    from outdial.runtime.settings.file import SettingsInvalid
    from outdial.runtime.settings.settings import load_settings

    try:
        return load_settings()
    except SettingsInvalid as error:
        fail(*error.problems, code=EXIT_CODE[error.code])


def run(work: Coroutine[Any, Any, int]) -> None:
    """Run a command to its exit code; SIGTERM ends it as Ctrl-C does.

    Raises SystemExit, and KeyboardInterrupt for Ctrl-C.
    """
    from outdial.runtime.temporal_config import release_clients

    try:
        code = asyncio.run(_interruptible(work))
    except OutdialError as error:
        if error.code not in EXIT_CODE:
            raise
        fail(*str(error).splitlines(), code=EXIT_CODE[error.code])
    except Exception as error:
        refusal = _refusal_of(error)
        if refusal is None:
            raise
        fail(refusal, code=FAILED)
    finally:
        release_clients()
    raise SystemExit(code)


async def _interruptible(work: Coroutine[Any, Any, int]) -> int:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await work


def _refusal_of(error: Exception) -> str | None:
    """One line for what the database or Temporal refused; None for a defect.

    Their libraries are not imported for it: who has not imported one can't have raised its error.
    """
    if "outdial.runtime.connection" in sys.modules:
        from outdial.runtime.connection import refusal_of

        refusal = refusal_of(error)
        if refusal is not None:
            return refusal
    if "sqlalchemy.exc" in sys.modules:
        from sqlalchemy.exc import OperationalError, ProgrammingError

        from outdial.runtime.schema import wrong_schema

        if isinstance(error, OperationalError | ProgrammingError):
            return wrong_schema(error)
    return None
