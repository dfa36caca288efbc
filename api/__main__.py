"""`python -m api`: the HTTP door as a process of its own."""

from __future__ import annotations

import sys

import uvicorn

from api.app import create_app
from runtime.logging import set_up_logging
from runtime.settings import load_settings
from runtime.settings_file import SettingsInvalid

_SHUTDOWN_SECONDS = 5
_KEEP_ALIVE_SECONDS = 75
"""Longer than providers keep an idle connection, so that none is closed under a webhook."""


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
        log_config=None,
        access_log=False,
        proxy_headers=False,  # the application believes the proxies that its settings name
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


if __name__ == "__main__":
    main()
