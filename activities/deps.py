"""What activities are handed: the only place where a workflow meets the world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio.client import Client

from providers.lines import Lines
from store.database import Database

Clock = Callable[[], datetime]
"""Now, in UTC; injected so that tests can move it."""


@dataclass(frozen=True)
class Deps:
    """Built by the worker, once."""

    database: Database
    temporal: Client
    lines: Lines
    clock: Clock
    public_url: str
    """Where providers reach our webhooks."""
    upsert_status: bool = True
    """Keep the CallStatus search attribute up with every transition."""
    claim_linger: timedelta = timedelta(milliseconds=300)
    """How long a claim waits for further slots to become free; saves history events."""

    def webhook_url(self, line: str) -> str:
        return f"{self.public_url.rstrip('/')}/hooks/{line}"
