"""What the routes share: built when the application starts, given up when it stops."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import cast

from fastapi import Request

from outdial.api.background import BackgroundLaunches
from outdial.api.uploads import Uploads
from outdial.dispatch.wakeups import Wakeups
from outdial.resources.resources import Resources
from outdial.services.accounts.access import RateRule
from outdial.services.operations.gauges import GaugeReader
from outdial.services.webhooks.webhooks import WebhookReceiver

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class ApiPolicy:
    """How requests to the APIs are bounded."""

    require_https: bool = False
    trusted_proxies: tuple[str, ...] = ()
    rules: tuple[RateRule, ...] = (
        RateRule("key", 30_000, _MINUTE),
        RateRule("tenant", 60_000, _MINUTE),
        RateRule("address", 60_000, _MINUTE),
    )
    """Of /v1. The compatible APIs have the limits that their vendors state."""
    upload_bytes: int = 500_000_000
    """How large an uploaded contact file may be."""
    stripe_webhook_secret: str | None = field(default=None, repr=False)
    """Of the Stripe account whose webhooks Voxanne's API takes."""
    metrics_token: str | None = field(default=None, repr=False)
    """What Prometheus shows to read /metrics; None: nobody may."""


@dataclass(frozen=True)
class ApiState:
    context: Resources
    webhooks: WebhookReceiver
    wakeups: Wakeups
    public_url: str
    policy: ApiPolicy = field(default_factory=ApiPolicy)
    uploads: Uploads = field(default_factory=Uploads)
    launches: BackgroundLaunches = field(default_factory=BackgroundLaunches)
    planning: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """Of two plans one waits: each takes all cores for a while."""
    ui_url: str | None = None
    """The Temporal UI, as people reach it."""

    @cached_property
    def gauges(self) -> GaugeReader:
        return GaugeReader(self.context)


def state_of(request: Request) -> ApiState:
    return cast("ApiState", request.app.state.outdial)
