"""A Temporal server that accepts connections and never says a word."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pkgutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from types import ModuleType

import pytest
import pytest_asyncio
from temporalio.client import Client

import outdial.dispatch
from outdial.contracts.messages import PauseRequest, RequestCallInput
from outdial.contracts.signatures.launch import LaunchInput
from outdial.dispatch import (
    answers,
    campaigns,
    executions,
    health,
    nexus,
    schedules,
    settlements,
    signals,
    starting,
)
from outdial.dispatch.errors import TemporalUnavailable
from outdial.domain.call.claim import ClaimedCall
from outdial.domain.call.event import CallEvent
from outdial.domain.call.plan import CallRequest
from outdial.domain.call.status import CallStatus
from outdial.domain.definition.agent import Agent
from outdial.domain.record import CampaignRecord, Settled
from outdial.resources.resources import Resources
from outdial.runtime import connection
from outdial.runtime.settings.settings import Settings
from outdial.services.operations.reading import require_campaign
from outdial.store.db.database import Database
from tests.services.world import NOW, NUMBERS, build_world

SHORT = timedelta(milliseconds=50)
LONG = timedelta(minutes=5)


def _modules() -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(outdial.dispatch.__path__, "outdial.dispatch."):
        yield importlib.import_module(found.name)


def _asks_temporal(function: object) -> bool:
    return inspect.iscoroutinefunction(function) and any(
        parameter.annotation == "Client"
        for parameter in inspect.signature(function).parameters.values()
    )


REQUESTS = {
    f"{module.__name__.rpartition('.')[2]}.{name}"
    for module in _modules()
    for name, function in vars(module).items()
    if not name.startswith("_")
    and getattr(function, "__module__", "") == module.__name__
    and _asks_temporal(function)
}
"""Everything that sends requests to Temporal, as a client."""


@dataclass(frozen=True)
class Asking:
    """What the requests are about, and a server that never answers them."""

    server: socket.socket
    ctx: Resources
    call: ClaimedCall
    campaign: CampaignRecord

    @property
    def temporal(self) -> Client:
        return self.ctx.temporal

    @property
    def settled(self) -> Settled:
        return Settled(
            call_id=self.call.call_id,
            changed=True,
            settled=True,
            status=CallStatus.COMPLETED,
            campaign_workflow_id="campaign/default/nobody",
            requester_workflow_id="request/default/nobody",
            recipient_done=True,
            listed=NUMBERS,
        )


_EVENT = CallEvent(event_id="e1", at=NOW)
_REQUEST = CallRequest(to=NUMBERS[0], agent=Agent(id="reminder"), line="simulated")

RAISE: dict[str, Callable[[Asking], Awaitable[object]]] = {
    "campaigns.update_campaign": lambda a: campaigns.update_campaign(
        a.temporal, a.campaign, "pause", PauseRequest(), doing="it goes on"
    ),
    "executions.await_closed": lambda a: executions.await_closed(
        a.temporal, "nobody", LONG, doing="it is open"
    ),
    "executions.await_request": lambda a: executions.await_request(a.temporal, "nobody"),
    "executions.describe_execution": lambda a: executions.describe_execution(a.temporal, "nobody"),
    "health.is_serving": lambda a: health.is_serving(a.temporal),
    "nexus.create_endpoint": lambda a: nexus.create_endpoint(a.temporal, "outdial"),
    "schedules.create_schedule": lambda a: schedules.create_schedule(
        a.temporal, LaunchInput(tenant="default", file="daily.yaml"), "daily", "0 9 * * *"
    ),
    "schedules.delete_schedule": lambda a: schedules.delete_schedule(
        a.temporal, "default", "daily"
    ),
    "signals.send_report": lambda a: signals.send_report(a.temporal, "nobody", _EVENT),
    "signals.send_request_settled": lambda a: signals.send_request_settled(a.temporal, "nobody"),
    "starting.start_call": lambda a: starting.start_call(a.temporal, a.call),
    "starting.start_callback_run": lambda a: starting.start_callback_run(a.temporal, "c1"),
    "starting.start_campaign": lambda a: starting.start_campaign(a.temporal, a.campaign),
    "starting.start_delivery": lambda a: starting.start_delivery(a.temporal, "default", "e1"),
    "starting.start_request": lambda a: starting.start_request(
        a.temporal, RequestCallInput(tenant="default", request=_REQUEST), "k1", masked="+1"
    ),
    "starting.wake_direct_campaign": lambda a: starting.wake_direct_campaign(
        a.temporal, a.campaign
    ),
}
"""Those that raise TemporalUnavailable."""
ANSWER: dict[str, tuple[Callable[[Asking], Awaitable[object]], object]] = {
    "settlements.propagate_reported_settlement": (
        lambda a: settlements.propagate_reported_settlement(
            a.ctx.database, a.temporal, a.settled, NOW
        ),
        False,
    ),
    "settlements.propagate_settlement": (
        lambda a: settlements.propagate_settlement(a.ctx.database, a.temporal, a.settled, NOW),
        False,
    ),
    "signals.hang_up_suppressed_calls": (
        lambda a: signals.hang_up_suppressed_calls(a.ctx.database, a.temporal, "default", NUMBERS),
        (0, 1),
    ),
    "signals.signal_hang_up": (lambda a: signals.signal_hang_up(a.temporal, "nobody"), False),
    "signals.signal_report": (
        lambda a: signals.signal_report(a.temporal, "nobody", _EVENT),
        False,
    ),
    "signals.signal_requester": (lambda a: signals.signal_requester(a.temporal, "nobody"), False),
    "signals.wake_campaign": (lambda a: signals.wake_campaign(a.temporal, "nobody"), False),
}
"""Those that say instead what was not done."""


@pytest_asyncio.fixture(loop_scope="session")
async def asking(database: Database) -> AsyncIterator[Asking]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"127.0.0.1:{server.getsockname()[1]}"
        temporal = await Client.connect(
            address, lazy=True, data_converter=connection.DATA_CONVERTER
        )
        world = build_world(database, temporal)
        [call] = await world.claim_calls(1)
        record = await require_campaign(world.ctx, call.campaign)
        yield Asking(server, world.ctx, call, record)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in _modules():
        for limit in ("ANSWER_WITHIN", "SIGNAL_WITHIN", "HEALTH_WITHIN"):
            if hasattr(module, limit):
                monkeypatch.setattr(module, limit, SHORT)


def test_every_request_is_tried() -> None:
    assert RAISE.keys() | ANSWER.keys() == REQUESTS


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("request_of", RAISE)
async def test_a_request_that_is_not_answered_is_an_outage(asking: Asking, request_of: str) -> None:
    with pytest.raises(TemporalUnavailable):
        await RAISE[request_of](asking)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("request_of", ANSWER)
async def test_or_said_to_be_left(asking: Asking, request_of: str) -> None:
    ask, expected = ANSWER[request_of]
    assert await ask(asking) == expected


@pytest.mark.usefixtures("impatient")
async def test_a_connection_is_not_waited_for(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CONNECT_WITHIN", SHORT)
    address = asking.temporal.service_client.config.target_host
    with pytest.raises(connection.TemporalUnreachable):
        await connection.connect_temporal(Settings(temporal_address=address))


@pytest.mark.parametrize("request_of", [*RAISE, *ANSWER])
async def test_whoever_is_canceled_while_waiting_ends_as_canceled(
    asking: Asking, request_of: str
) -> None:
    """The SDK makes an error of its own of it where it waits for an update: Ctrl-C was shown as a
    worker that is missing."""
    ask = RAISE[request_of] if request_of in RAISE else ANSWER[request_of][0]
    waiting = asyncio.ensure_future(ask(asking))
    connected, _ = await asyncio.get_running_loop().sock_accept(asking.server)
    with connected:
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_what_its_own_work_says_of_a_time_passes() -> None:
    """A limit that is not reached is nobody's error."""
    async with answers.answered_within(LONG, "nothing"):
        pass
    with pytest.raises(LookupError):
        async with answers.answered_within(LONG, "nothing"):
            raise LookupError
