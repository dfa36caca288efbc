"""What lies outside our own house: calendars, mail, and where callbacks may go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from activities.outgoing.mail import MailServer
from calendars.port import Calendars


@dataclass(frozen=True)
class Outside:
    """Built by the worker from the settings, once."""

    calendars: Calendars = field(default_factory=Calendars)
    mail: MailServer | None = None
    allow_hosts: frozenset[str] = frozenset()
    """Hosts of private networks to which webhooks may be sent all the same."""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Bearer tokens by the name that definitions know them by."""
