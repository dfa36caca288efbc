"""What a process works with, as the settings say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outdial.providers.lines import Lines
from outdial.resources.integrations import Integrations
from outdial.resources.resources import Clock, Resources
from outdial.runtime.settings.settings import Settings
from outdial.store.db.database import Database

if TYPE_CHECKING:
    from temporalio.client import Client


def build_resources(
    settings: Settings,
    database: Database,
    temporal: Client,
    lines: Lines,
    clock: Clock,
    integrations: Integrations | None = None,
) -> Resources:
    """Of a process that carries out no callbacks, there are no integrations."""
    return Resources(
        database,
        temporal,
        lines,
        clock,
        tenant=settings.tenant,
        public_url=settings.public_url or "",
        integrations=integrations or Integrations(),
        upsert_status=settings.upsert_status,
        claim_linger=settings.claim_linger,
        sweep_every=settings.sweep_every,
        allow_private_webhooks=settings.allow_private_webhooks,
        delivery_waits=settings.delivery_waits,
        callback_headers=settings.callbacks.headers,
        nexus_scopes=settings.nexus_scopes,
        campaigns_dir=settings.campaigns_dir,
        calls_per_key=settings.api.calls_per_key,
        calls_per_tenant=settings.api.calls_per_tenant,
    )
