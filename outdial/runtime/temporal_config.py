"""Whether a Temporal server is configured, and how it is reached.

Temporal's own configuration (TEMPORAL_ADDRESS and others, a profile in a file) is read by its SDK,
which is imported only where there is such a configuration: most commands of a person at a desk
have none.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from outdial.runtime.settings.file import SettingsInvalid
from outdial.runtime.settings.settings import Settings, has_temporal_configuration

if TYPE_CHECKING:
    from temporalio.envconfig import ClientConnectConfig

RELEASE_TIMEOUT = timedelta(seconds=1)


def is_configured(settings: Settings) -> bool:
    """Whether a Temporal server is named, by us or by Temporal's own configuration."""
    return settings.temporal_address is not None or "target_host" in _sdk_config(settings)


def check_temporal(settings: Settings) -> None:
    """Raises SettingsInvalid for a configuration of Temporal's that can't be used."""
    if not settings.temporal_address:
        _sdk_config(settings)


def temporal_address(settings: Settings) -> str:
    """Where Temporal is expected, for people."""
    return settings.temporal_address or str(
        _sdk_config(settings).get("target_host", "localhost:7233")
    )


def client_config(settings: Settings) -> ClientConnectConfig:
    """Arguments of a client. Raises SettingsInvalid as `check_temporal` does."""
    return {} if settings.temporal_address else _sdk_config(settings)


def _sdk_config(settings: Settings) -> ClientConnectConfig:
    if not has_temporal_configuration():
        return {}
    from temporalio.envconfig import ClientConfig
    from temporalio.service import TLSConfig

    from outdial.runtime.clock import system_clock
    from outdial.runtime.tls import tls_problems

    try:
        config = ClientConfig.load_client_connect_config()
    except OSError as error:
        file = f"{error.filename} cannot be read: {error.strerror}"
        raise SettingsInvalid([f"Temporal's configuration: {file}"]) from None
    except (RuntimeError, ValueError) as error:
        message = " ".join(str(error).split())
        raise SettingsInvalid([f"Temporal's configuration: {message}"]) from None
    tls = config.get("tls")
    problems = (
        tls_problems(tls, settings.variables, system_clock()) if isinstance(tls, TLSConfig) else []
    )
    if problems:
        raise SettingsInvalid(problems)
    return config


def release_clients() -> None:
    """Free the clients and workers of a process that ends, and wait until their threads are idle.

    They have no close. A thread of theirs that has woken the event loop with a result may still be
    inside that call when the interpreter ends, which aborts the process
    (https://github.com/temporalio/sdk-python/issues/300). Waits a second at most.
    """
    gc.collect()
    until = time.monotonic() + RELEASE_TIMEOUT.total_seconds()
    while _is_called_from_outside() and time.monotonic() < until:
        time.sleep(0.001)


def _is_called_from_outside() -> bool:
    """Whether a thread that Python did not start is running Python code."""
    own = {thread.ident for thread in threading.enumerate()}
    return any(ident not in own for ident in sys._current_frames())
