"""The whole engine in this process, so that a test can move its clock.

Real all the same: a Temporal server, SQLite, the network and our webhooks over HTTP.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from temporalio.client import Client

from outdial.api.app import open_state
from outdial.contracts.names import NUDGE_SIGNAL, campaign_workflow_id
from outdial.domain.money.amount import parse_money
from outdial.domain.record import DEFAULT_TENANT, Progress
from outdial.providers.adapters.simulated.client import SimulatedProvider
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.providers.port import LineConfig
from outdial.providers.simulated.http.server import SimulatedNetwork
from outdial.providers.simulated.telephony.person import PeopleModel
from outdial.providers.simulated.telephony.settings import NetworkSettings
from outdial.resources.integrations import Integrations
from outdial.resources.resources import Resources
from outdial.services.operations import reading
from outdial.services.operations.lines import announce_lines
from outdial.services.operations.maintenance import MaintenanceLoop
from outdial.store.db.database import Database
from tests.api.applications import application
from tests.api.conftest import serving
from tests.e2e.stacks import PEOPLE
from worker import build_workers, delivery_worker


class ShiftedClock:
    """Goes as every clock does, from the instant at which it was set."""

    def __init__(self, now: datetime) -> None:
        self._shift = now - datetime.now(UTC)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._shift

    def forward(self, **step: float) -> None:
        self._shift += timedelta(**step)


@dataclass(frozen=True)
class Engine:
    ctx: Resources
    clock: ShiftedClock
    network: SimulatedNetwork
    api: str
    """Where our HTTP door is."""

    async def progress(self, name: str) -> Progress:
        return await reading.progress(self.ctx, name)

    async def look_now(self, name: str) -> None:
        """The server's clock was not moved, so its timers do not ring."""
        workflow_id = campaign_workflow_id(self.ctx.tenant, name)
        await self.ctx.temporal.get_workflow_handle(workflow_id).signal(NUDGE_SIGNAL)

    def called(self) -> list[str]:
        """Numbers, in the order in which the network dialed them."""
        return [call.order.to for call in self.network.simulation.network.calls.values()]


@asynccontextmanager
async def engine(
    temporal: Client,
    database: Database,
    now: datetime,
    *,
    tenant: str = DEFAULT_TENANT,
    integrations: Integrations | None = None,
) -> AsyncIterator[Engine]:
    """An engine whose clock begins at `now`.

    Workflows are named after the tenant: engines that make single calls on one Temporal server,
    each with a database of its own, need one each.
    """
    clock = ShiftedClock(now)
    async with AsyncExitStack() as opened:
        people = PeopleModel.model_validate(PEOPLE)
        network = SimulatedNetwork(NetworkSettings(people=people), clock=clock)
        await opened.enter_async_context(network)
        lines = _lines(network, tenant)
        opened.push_async_callback(lines.aclose)
        ctx = Resources(
            database,
            temporal,
            lines,
            clock,
            tenant=tenant,
            allow_private_webhooks=True,
            integrations=integrations or Integrations(),
        )
        await announce_lines(ctx)
        public_url = await opened.enter_async_context(_hooks(ctx))
        resources = replace(ctx, public_url=public_url)
        for worker in build_workers(temporal, resources, workflow_sandbox=True):
            await opened.enter_async_context(worker)
        await opened.enter_async_context(delivery_worker(temporal, resources))
        await opened.enter_async_context(MaintenanceLoop(ctx))
        yield Engine(ctx, clock, network, public_url)


def _lines(network: SimulatedNetwork, tenant: str) -> Lines:
    config = LineConfig(
        name="simulated",
        base_url=network.base_url,
        credentials={"api_key": network.api_key, "webhook_secret": network.webhook_secret},
    )
    policy = LinePolicy(per_second=50, cost_per_minute=parse_money("0.09 USD"))
    return Lines([Line("simulated", SimulatedProvider(config), policy, tenant=tenant)])


@asynccontextmanager
async def _hooks(ctx: Resources) -> AsyncIterator[str]:
    """Our HTTP door; its address."""
    with application(lambda: open_state(ctx, "")) as app:
        async with serving(app) as http:
            yield str(http.base_url)
