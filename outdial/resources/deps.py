"""What activities are handed: the only place where a workflow meets the world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from temporalio.client import Client

from outdial.domain.endpoint import RETRY_AFTER
from outdial.providers.lines import Lines
from outdial.resources.outside import Outside
from outdial.store.db.database import Database

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
    claim_linger: timedelta = timedelta(milliseconds=500)
    """How long a claim waits for further slots to become free; saves history events."""
    sweep_every: timedelta = timedelta(seconds=30)
    """How often the sweepers come round."""
    outside: Outside = field(default_factory=Outside)
    """Whom steps after a call talk to."""

    allow_private_webhooks: bool = False
    """Whether customers' URLs may lead to addresses that only this machine's network reaches."""

    delivery_waits: Sequence[timedelta] = RETRY_AFTER
    """Between the tries of a webhook to a customer."""

    nexus_scopes: tuple[str, ...] = ("calls:write", "campaigns:write")
    """What workflows of other namespaces may ask for."""
    callback_headers: tuple[str, ...] = ()
    """Headers of webhooks that their definitions may set besides the usual ones."""
    campaigns_dir: Path = Path("campaigns")
    """Where campaign files are that another service may name."""

    @property
    def analysis_grace(self) -> timedelta:
        """Time for a sweeper to ask for an analysis before a claim settles without it."""
        return 2 * self.sweep_every

    def analysis_wait(self, line: str) -> timedelta:
        """How long after the end of an answered call it is settled without its analysis."""
        configured = self.lines.get(line)
        if configured is None or not configured.awaits_analysis:
            return timedelta(0)
        return configured.policy.analysis_wait + self.analysis_grace

    def webhook_url(self, line: str) -> str:
        return f"{self.public_url.rstrip('/')}/hooks/{line}"
