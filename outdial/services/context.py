"""What every service needs, built once by a door."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from temporalio.client import Client

from outdial.calendars.port import Calendars
from outdial.domain.access import CALLS_PER_KEY, CALLS_PER_TENANT, Limit
from outdial.domain.endpoint import RETRY_AFTER
from outdial.domain.record import DEFAULT_TENANT
from outdial.providers.lines import Lines
from outdial.store.db.database import Database


@dataclass(frozen=True)
class ServiceContext:
    database: Database
    temporal: Client
    lines: Lines
    clock: Callable[[], datetime]
    """Now, in UTC."""
    tenant: str = DEFAULT_TENANT
    live_status: bool = True
    """Whether workflows are told of ringing and answering too, not only of ends."""
    allow_private_webhooks: bool = False
    """Whether webhooks may be sent to addresses that only this machine's network can reach."""
    delivery_waits: Sequence[timedelta] = RETRY_AFTER
    """Between the tries of a webhook, so that a log can tell how many there are."""
    mail_recipients: tuple[str, ...] = ()
    """Who may be written to by definitions that come by API; nobody without any."""
    callback_headers: tuple[str, ...] = ()
    """Headers of webhooks that definitions which come by API may set besides the usual ones."""
    calls_per_key: int = CALLS_PER_KEY
    """How many calls a key without a quota of its own may ask for in 24 hours."""
    calls_per_tenant: int = CALLS_PER_TENANT
    quotas: tuple[Limit, ...] = ()
    """What calls that are asked for here use up; nothing for who comes without a key."""
    calendars: Calendars = field(default_factory=Calendars)
    """Calendars that other people share."""
