"""A worker's metrics: its own, and those of Temporal's SDK, each on a port of the settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prometheus_client import disable_created_metrics, start_http_server
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from outdial.runtime.settings.file import SettingsInvalid

if TYPE_CHECKING:
    from outdial.runtime.settings.settings import Settings

# They would be one more series for each, which no alert and no panel reads.
disable_created_metrics()  # type: ignore[no-untyped-call]


def temporal_runtime(settings: Settings) -> Runtime | None:
    """What the SDK runs in so that it serves its metrics; None: it counts nothing.

    Raises SettingsInvalid when the port is taken.
    """
    metrics = settings.metrics
    if metrics.sdk_port is None:
        return None
    served = PrometheusConfig(
        bind_address=f"{metrics.host}:{metrics.sdk_port}",
        counters_total_suffix=True,
        unit_suffix=True,
        durations_as_seconds=True,
    )
    try:
        return Runtime(telemetry=TelemetryConfig(metrics=served))
    except (RuntimeError, ValueError) as error:
        raise SettingsInvalid([f"metrics.sdk_port: {error}"]) from error


@contextmanager
def serving_metrics(settings: Settings) -> Iterator[None]:
    """Serve `/metrics` of this process meanwhile, if a port is set.

    Raises SettingsInvalid when it is taken.
    """
    metrics = settings.metrics
    if metrics.port is None:
        yield
        return
    try:
        server, thread = start_http_server(metrics.port, addr=metrics.host)
    except OSError as error:
        where = f"{metrics.host}:{metrics.port}"
        raise SettingsInvalid([f"metrics.port: nothing can listen on {where}: {error}"]) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
