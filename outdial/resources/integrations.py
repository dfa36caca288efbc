"""Integrations: calendars, mail, and the hosts that callbacks may reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from outdial.calendars.port import Calendars
from outdial.domain.egress import Egress
from outdial.domain.record import DEFAULT_TENANT
from outdial.resources.outgoing.mail import MailServer

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True)
class Secret:
    """A bearer token, and the hosts that it may be sent to."""

    token: str = field(repr=False)
    hosts: frozenset[str]
    """In lower case; with a port where it is not the usual one of the scheme."""

    def may_go_to(self, url: httpx.URL, private: frozenset[str] = frozenset()) -> bool:
        """Whether a request to this URL may carry it: over TLS, or within a private network."""
        host = url.host.lower()
        named = host if url.port is None else f"{host}:{url.port}"
        return named in self.hosts and (url.scheme == "https" or host in private)


@dataclass(frozen=True)
class Integrations:
    """Built by the worker from the settings, once. It belongs to one tenant."""

    calendars: Calendars = field(default_factory=Calendars)
    mail: MailServer | None = None
    allow_hosts: frozenset[str] = frozenset()
    """Hosts of private networks to which webhooks may be sent all the same."""
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    """Bearer tokens by the name that definitions know them by."""
    tenant: str = DEFAULT_TENANT
    egress: Egress = field(default_factory=Egress)
    """How requests leave the installation, for all tenants."""

    def of_tenant(self, tenant: str) -> Integrations:
        """What a tenant's calls may reach: others have no secrets, mail or calendars of ours."""
        if tenant == self.tenant:
            return self
        return Integrations(
            calendars=self.calendars.of_tenant(tenant), tenant=tenant, egress=self.egress
        )
