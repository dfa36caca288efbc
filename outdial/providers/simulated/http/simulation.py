"""The network with its people, its faults and its sender of webhooks, as one thing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from outdial.providers.simulated.http.delivery import WebhookSender
from outdial.providers.simulated.telephony.faults import FaultPlan
from outdial.providers.simulated.telephony.history import mean_open
from outdial.providers.simulated.telephony.network import Clock, Network
from outdial.providers.simulated.telephony.settings import NetworkSettings, merge
from outdial.providers.simulated.telephony.stats import Counts, stats_of


class Simulation:
    """Everything behind the HTTP service; lives on one event loop."""

    def __init__(
        self, settings: NetworkSettings, *, api_key: str, webhook_secret: str, clock: Clock
    ) -> None:
        self.api_key = api_key
        self.clock = clock
        self._webhook_secret = webhook_secret
        self._initial = settings
        self._base_url = ""
        self._build()

    def _build(self) -> None:
        settings = self._initial
        self.counts = Counts()
        self.plan = FaultPlan(settings.faults)
        self.sender = WebhookSender(
            self._webhook_secret, self.plan, self.counts.webhooks, self.clock
        )
        self.network = Network(
            settings.people, settings.account, clock=self.clock, publish=self.sender.publish
        )
        self.network.base_url = self._base_url

    def serve_at(self, base_url: str) -> None:
        """Say where the service is found, for links to recordings."""
        self._base_url = base_url
        self.network.base_url = base_url

    def settings(self) -> NetworkSettings:
        """The settings as they are now; planned faults that happened are gone."""
        return NetworkSettings(
            people=self.network.people,
            account=self.network.account,
            faults=self.plan.settings,
        )

    def configure(self, patch: Mapping[str, Any]) -> NetworkSettings:
        """Lay a patch over the settings.

        Raises pydantic's ValidationError, and then nothing has changed.
        """
        merged = merge(self.settings().model_dump(mode="json"), patch)
        settings = NetworkSettings.model_validate(merged)
        self.network.configure(settings.people, settings.account)
        self.plan.configure(settings.faults)
        return settings

    def stats(self) -> dict[str, Any]:
        return stats_of(self.counts, self.network, self.plan)

    def mean_open(self, start: datetime, end: datetime) -> float:
        """The time-weighted mean number of open calls between two instants."""
        return mean_open(self.network.history.changes, start, end)

    async def reset(self) -> None:
        """Forget all calls and counts, and go back to the settings of the start."""
        await self.aclose()
        self._build()

    async def aclose(self) -> None:
        """Stop every call and every delivery where it is."""
        self.network.close()
        await self.sender.aclose()
