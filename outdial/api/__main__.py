"""`python -m outdial.api`: the HTTP API and the console, as a process of their own."""

from __future__ import annotations

import asyncio
import sys

import uvicorn

from outdial.api.app import create_app
from outdial.api.connections import SERVER_OPTIONS
from outdial.console.app import PATH, create_console
from outdial.runtime.integrations import build_integrations
from outdial.runtime.lines import build_lines
from outdial.runtime.logging import set_up_logging
from outdial.runtime.settings.file import SettingsInvalid
from outdial.runtime.settings.settings import Settings, load_settings
from outdial.runtime.temporal_config import check_temporal

_SHUTDOWN_SECONDS = 5


def main() -> None:
    try:
        settings = load_settings()
        app = create_app(settings, {PATH: create_console()} if settings.api.console else {})
        asyncio.run(_check(settings))
    except SettingsInvalid as error:
        sys.exit(str(error))
    set_up_logging(settings.log_level, settings.log_format)
    uvicorn.run(
        app,
        host=settings.api_host,
        port=settings.api_port,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        **SERVER_OPTIONS,
    )


async def _check(settings: Settings) -> None:
    """Whatever the settings name, before the server starts: later an error is a traceback.

    Raises SettingsInvalid.
    """
    check_temporal(settings)
    build_integrations(settings)
    await build_lines(settings).aclose()


if __name__ == "__main__":
    main()
