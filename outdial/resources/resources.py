"""Resources: the database, Temporal, lines and settings, built once by a process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from outdial.calendars.port import Calendars
from outdial.domain.access import CALLS_PER_KEY, CALLS_PER_TENANT, Limit
from outdial.domain.endpoint import RETRY_AFTER
from outdial.domain.operator import THROUGH_TEMPORAL, Operator
from outdial.domain.record import DEFAULT_TENANT
from outdial.providers.lines import Lines
from outdial.resources.integrations import Integrations
from outdial.store.db.database import Database

if TYPE_CHECKING:
    from temporalio.client import Client  # takes long to import, and readers of records need none

Clock = Callable[[], datetime]
"""Now, in UTC; injected so that tests can move it."""


@dataclass(frozen=True)
class Resources:
    """The database, Temporal, the lines, the clock, and the settings that work depends on."""

    database: Database
    temporal: Client
    lines: Lines
    clock: Clock
    _: KW_ONLY
    tenant: str = DEFAULT_TENANT
    """Whose requests a service serves; an activity acts for the tenant of its call."""
    public_url: str = ""
    """Where providers reach our webhooks."""
    integrations: Integrations = field(default_factory=Integrations)
    """Calendars, mail, and where callbacks may go."""
    upsert_status: bool = True
    """Whether ringing and answering are signalled to workflows, and the CallStatus search attribute
    is updated with every transition; otherwise with ends alone."""
    claim_linger: timedelta = timedelta(milliseconds=500)
    """How long a claim waits for further slots to become free; saves history events."""
    sweep_every: timedelta = timedelta(seconds=30)
    """How often the sweepers come round."""
    allow_private_webhooks: bool = False
    """Whether webhooks may be sent to addresses that only this machine's network can reach."""
    delivery_waits: Sequence[timedelta] = RETRY_AFTER
    """Between the tries of a webhook to an endpoint."""
    callback_headers: tuple[str, ...] = ()
    """Headers of webhooks that definitions which come by API may set besides the usual ones."""
    nexus_scopes: tuple[str, ...] = ("calls:write", "campaigns:write")
    """What workflows of other namespaces may ask for."""
    campaigns_dir: Path = Path("campaigns")
    """Where campaign files are that another service may name."""
    calls_per_key: int = CALLS_PER_KEY
    """How many calls a key without a quota of its own may ask for in 24 hours."""
    calls_per_tenant: int = CALLS_PER_TENANT
    operator: Operator = THROUGH_TEMPORAL
    """Who asks, and through which door: kept in the operator log."""
    quotas: tuple[Limit, ...] = ()
    """Quotas that requested calls count against; empty for requests without a key."""

    @property
    def author(self) -> str | None:
        """Who asks, such as `user ana` or `key reports`: kept with each revision of a campaign."""
        return self.operator.author

    @property
    def calendars(self) -> Calendars:
        """Calendars that other people share."""
        return self.integrations.calendars

    @property
    def mail_recipients(self) -> tuple[str, ...]:
        """Addresses that definitions sent by API may write to; empty: none."""
        mail = self.integrations.mail
        return () if mail is None else mail.recipients

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
