"""Settings of metrics: who may read those of the API, and where a worker listens."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Port = Annotated[int, Field(ge=1, le=65_535)]


class MetricsSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    token: str | None = None
    """A reference, env:NAME or file:PATH, to the bearer token with which Prometheus reads
    `/metrics` of the API. Without it the API has no such page."""
    host: str = "127.0.0.1"
    """Where a worker listens on the ports below."""
    port: Port | None = None
    """Of a worker's `/metrics`, which asks nobody for a token. Without it a worker has none."""
    sdk_port: Port | None = None
    """Of what Temporal's SDK counts in a worker, under `/metrics` too."""
