"""Whether Temporal answers."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import Client

from outdial.dispatch.answers import answered_within

HEALTH_WITHIN = timedelta(seconds=2)


async def is_serving(temporal: Client) -> bool:
    """Whether the server takes requests about workflows.

    Raises TemporalRefused, TemporalUnavailable.
    """
    async with answered_within(HEALTH_WITHIN, "its health is not known"):
        return await temporal.service_client.check_health()
