"""`python -m api`: the HTTP door as a process of its own."""

from __future__ import annotations

import sys

import uvicorn

from api.app import create_app
from api.connections import SERVER_OPTIONS
from runtime.logging import set_up_logging
from runtime.settings import load_settings
from runtime.settings_file import SettingsInvalid

_SHUTDOWN_SECONDS = 5


def main() -> None:
    try:
        settings = load_settings()
        app = create_app(settings)
    except SettingsInvalid as error:
        sys.exit(str(error))
    set_up_logging(settings.log_level)
    uvicorn.run(
        app,
        host=settings.api_host,
        port=settings.api_port,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        **SERVER_OPTIONS,
    )


if __name__ == "__main__":
    main()
