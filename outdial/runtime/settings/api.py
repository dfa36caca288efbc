"""Settings of the HTTP API: trusted proxies, rate limits and uploads."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from outdial.domain.access import CALLS_PER_KEY, CALLS_PER_TENANT


class ApiSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    console: bool = True
    """Serve the console, at /console."""
    require_https: bool = False
    """Refuse requests that did not come over HTTPS; they are never redirected, since their key
    has been on the wire by then."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed;
    nobody else's are."""
    requests_per_key: Annotated[int, Field(ge=1)] = 30_000
    """In a minute, on /v1."""
    requests_per_tenant: Annotated[int, Field(ge=1)] = 60_000
    """In a minute, on /v1, over all keys of a tenant."""
    requests_per_address: Annotated[int, Field(ge=1)] = 60_000
    """In a minute, on /v1; requests without a good key are counted apart, so that they can't use up
    the limit of those who have one."""
    calls_per_key: Annotated[int, Field(ge=0)] = CALLS_PER_KEY
    """In 24 hours: how many calls a key without a quota of its own may ask for, on /v1 and on the
    compatible APIs together; each person of a campaign is one."""
    calls_per_tenant: Annotated[int, Field(ge=0)] = CALLS_PER_TENANT
    """In 24 hours, over all keys of a tenant."""
    upload_bytes: Annotated[int, Field(ge=1)] = 500_000_000
    """How large an uploaded contact file may be; a million rows are about 50 MB."""
    uploads_per_tenant: Annotated[int, Field(ge=1)] = 2
    """How many large launches and additions of a tenant an API process works on at once, from the
    first byte of their files on."""
    uploads_at_once: Annotated[int, Field(ge=1)] = 8
    """The same, over all tenants."""
    upload_dir: Path | None = None
    """Where uploaded files are kept meanwhile; default: the system's folder for temporary files."""
    stripe_webhook_secret: str | None = None
    """A reference, env:NAME or file:PATH, to the signing secret of a Stripe account whose webhooks
    are sent to /compat/voxanne/webhooks/stripe."""

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ipaddress.ip_network(network)
            except ValueError:
                raise ValueError(
                    f"found {network!r}; write an address or a network such as 10.0.0.0/8"
                ) from None
        return value
