"""Four worker and two API processes on one PostgreSQL, as docker compose scales them, and some are
killed: together they keep to what a limit allows, and nothing is done twice."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from activities.deliveries import AT_ONCE
from outdial.contracts.names import SWEEP_SCHEDULE
from outdial.store.db.tables import call
from tests.databases import postgresql_database, postgresql_server
from tests.faults.harness import (
    Plan,
    Stack,
    campaign,
    moments,
    numbers,
    open_stack,
    plan_stack,
)
from tests.faults.invariants import assert_nothing_broken
from tests.faults.parts import Part
from tests.faults.ports import reserve_endpoints
from tests.faults.test_deliveries import SETTINGS, Customer

pytestmark = pytest.mark.faults
log = logging.getLogger(__name__)

WORKERS = ("worker", "worker-2", "worker-3", "worker-4")
APIS = ("api", "api-2")
LINE = {
    "PER_SECOND": "8",
    "MAX_CONCURRENT": "16",
    "PLACEMENT_TIMEOUT": "5s",
    # The network tries a webhook for four seconds, and what an agent found out comes last.
    "ANALYSIS_WAIT": "30s",
}
PER_SECOND, ON_THE_LINE, PLACEMENT_TIMEOUT = 8, 16, timedelta(seconds=5)
RECIPIENTS = 60
"""Of each campaign."""
MAX_CONCURRENT = 12
"""Of each campaign; two of them may hold more than the line has."""
KILLS = 6
SEED = 4


@dataclass
class Balancer:
    """Passes each connection to the next API process that takes it."""

    ports: list[int] = field(default_factory=list)
    passed: Counter[int] = field(default_factory=Counter)
    _next: int = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError), contextlib.closing(writer):
            for _ in self.ports:
                self._next += 1
                port = self.ports[self._next % len(self.ports)]
                with contextlib.suppress(ConnectionRefusedError):
                    other_reader, other_writer = await asyncio.open_connection("127.0.0.1", port)
                    self.passed[port] += 1
                    with contextlib.closing(other_writer):
                        await self._both_ways(reader, writer, other_reader, other_writer)
                    return

    async def _both_ways(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        other_reader: asyncio.StreamReader,
        other_writer: asyncio.StreamWriter,
    ) -> None:
        pipes = [
            asyncio.create_task(_pipe(reader, other_writer)),
            asyncio.create_task(_pipe(other_reader, writer)),
        ]
        await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
        for pipe in pipes:
            pipe.cancel()
        await asyncio.gather(*pipes, return_exceptions=True)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()


@pytest.fixture
def database_url() -> Iterator[str]:
    with postgresql_server() as server, postgresql_database(server) as url:
        yield url


def _more_processes(plan: Plan) -> list[Part]:
    """Three more workers and another API process."""
    api_port = reserve_endpoints().api_port
    added: dict[str, tuple[str, dict[str, str]]] = {name: (WORKERS[0], {}) for name in WORKERS[1:]}
    added[APIS[1]] = (APIS[0], {"OUTDIAL_API_PORT": str(api_port)})
    parts = []
    for name, (like, environment) in added.items():
        command = plan.parts[like].command
        part = Part(
            replace(
                command,
                name=name,
                log=command.log.with_name(f"{name}.log"),
                environment={**command.environment, **environment},
                answers=None,
            )
        )
        plan.parts[name] = part
        parts.append(part)
    return parts


@asynccontextmanager
async def _stack(folder: Path, database_url: str) -> AsyncIterator[Stack]:
    balancer = Balancer()
    async with AsyncExitStack() as opened:
        port = await opened.enter_async_context(balancer.listening())
        more = {**SETTINGS, "OUTDIAL_PUBLIC_URL": f"http://127.0.0.1:{port}"}
        plan = plan_stack(folder, database_url=database_url, line=LINE, more=more)
        added = _more_processes(plan)
        apis = (plan.parts[name].command.environment["OUTDIAL_API_PORT"] for name in APIS)
        balancer.ports = [int(port) for port in apis]
        stack = await opened.enter_async_context(open_stack(plan))
        for part in added:
            opened.push_async_callback(part.stop)
            await part.start()
        yield stack
        assert min(balancer.passed[port] for port in balancer.ports) > 0, balancer.passed


async def test_limits_hold_and_nothing_is_done_twice(tmp_path: Path, database_url: str) -> None:
    async with _stack(tmp_path, database_url) as stack:
        customer = Customer(stack)
        await customer.open()
        try:
            await customer.register()
            names = await _launch_two(stack)
            await _kill_some(stack)
            for name in names:
                await stack.until_over(name, timeout=240)
            await customer.until_nothing_is_pending()
        finally:
            await customer.close()
        for name in names:
            aftermath = await stack.aftermath(name)
            log.info("%s", aftermath.summary())
            assert_nothing_broken(aftermath, recipients=RECIPIENTS, max_concurrent=MAX_CONCURRENT)
        await _assert_the_line_was_held(stack)
        await _assert_one_schedule(stack)
        _assert_taken_once(customer, kills=sum(part.kills for part in stack.parts.values()))


async def _launch_two(stack: Stack) -> list[str]:
    return [
        await stack.launch(
            campaign(name, numbers(RECIPIENTS, start=start), max_concurrent=MAX_CONCURRENT)
        )
        for name, start in (("left", 0), ("right", RECIPIENTS))
    ]


async def _kill_some(stack: Stack) -> None:
    """Workers and API processes in turn, at random moments."""
    draw = random.Random(SEED)
    victims = [*WORKERS, *APIS]
    draw.shuffle(victims)
    for victim, (creates, after) in zip(
        victims, moments(SEED, KILLS, until_create=2 * RECIPIENTS * 9 // 10), strict=True
    ):
        await stack.until_creates(creates)
        await asyncio.sleep(after)
        await stack.parts[victim].kill()
        await asyncio.sleep(draw.uniform(0, 1))
        await stack.parts[victim].start()


async def _assert_the_line_was_held(stack: Stack) -> None:
    """No second had more placements than the line starts, and no instant more calls than it has."""
    deadlines = await stack.ctx.database.read(
        lambda s: s.connection().execute(select(call.c.fence_deadline)).scalars().all()
    )
    seconds = Counter(
        int((deadline - PLACEMENT_TIMEOUT).timestamp())
        for deadline in deadlines
        if deadline is not None
    )
    assert max(seconds.values()) <= PER_SECOND, seconds.most_common(3)
    made = (await stack.ask_network("calls"))["calls"]
    assert _peak(made) <= ON_THE_LINE


def _peak(made: Sequence[dict[str, Any]]) -> int:
    changes = [(datetime.fromisoformat(one["created_at"]), +1) for one in made]
    changes += [(datetime.fromisoformat(one["ended_at"]), -1) for one in made if one["ended_at"]]
    return max(accumulate(step for _, step in sorted(changes)), default=0)


async def _assert_one_schedule(stack: Stack) -> None:
    """And each of its runs was started once, however many workers registered it."""
    schedules = [one.id async for one in await stack.ctx.temporal.list_schedules()]
    assert schedules == [SWEEP_SCHEDULE]
    sweeps = [
        one.id async for one in stack.ctx.temporal.list_workflows("WorkflowType='SweepWorkflow'")
    ]
    assert len(sweeps) == len(set(sweeps)) > 0


def _assert_taken_once(customer: Customer, *, kills: int) -> None:
    """Every webhook; again only what was under way when its worker was killed."""
    taken = Counter(received.id for received in customer.receiver.taken)
    again = sum(count - 1 for count in taken.values())
    log.info("%d webhooks, %d of them again", len(taken), again)
    assert len(taken) > 2 * RECIPIENTS
    assert again <= kills * AT_ONCE
