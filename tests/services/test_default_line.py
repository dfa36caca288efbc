"""A line that nobody named: every door chooses the same one, or refuses with the same list."""

from __future__ import annotations

import ast
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select
from temporalio.exceptions import ApplicationError

from activities.requests import Requests
from outdial.contracts.messages import RequestCallInput
from outdial.contracts.signatures.launch import LaunchRefused
from outdial.contracts.signatures.request import RequestInput
from outdial.domain.call.plan import CallRequest
from outdial.domain.definition.agent import Agent
from outdial.domain.line.routing import UnknownLine
from outdial.providers.adapters.bland.client import BlandProvider
from outdial.providers.adapters.simulated.client import SimulatedProvider
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.providers.port import LineConfig
from outdial.resources.resources import Resources
from outdial.services.accounts import directory
from outdial.services.accounts.once import Answer
from outdial.services.calls import calls, dialing, requests
from outdial.services.campaigns import awaiting, launching
from outdial.services.operations import reading
from outdial.store.db.tables import recipient
from tests.services.world import World, definition, new_name

CONFIG = LineConfig(name="x", credentials={"api_key": "k", "webhook_secret": "s"})
TO = "+12025550123"


def lines(*names: str, default: str | None = None) -> Lines:
    """Lines of these names; `simulated…` are simulated."""
    made = []
    for name in names:
        kind = SimulatedProvider if name.startswith("simulated") else BlandProvider
        made.append(Line(name, kind(CONFIG), LinePolicy()))
    return Lines(made, default=default)


async def by_launch(ctx: Resources) -> str:
    launched = await launching.store_launch(ctx, definition(new_name()), again=False)
    return launched.record.plan.line


async def by_awaited_launch(ctx: Resources) -> str:
    loaded = definition(new_name())
    await awaiting.AwaitedLaunches(ctx)(ctx.tenant, loaded, False, "run/1")
    return (await reading.require_campaign(ctx, loaded.definition.name)).plan.line


async def by_http(ctx: Resources) -> str:
    speaker = await directory.speaker(ctx, Agent(id="a"))
    return speaker.line


async def by_compat(ctx: Resources) -> str:
    order = await dialing.single_call(ctx, scopes=("*",), to=TO, agent="a", origin="voxpria")
    assert order.request.line is not None
    return order.request.line


async def by_service(ctx: Resources) -> str:
    request = CallRequest(to=TO, agent=Agent(id="a"))
    made = await calls.create_call(ctx, _NoWakeups(), calls.CallOrder(request))  # type: ignore[arg-type]
    assert not isinstance(made, Answer)
    return made.line


async def by_temporal_client(ctx: Resources) -> str:
    """The activity of the README's sample: a request without a line."""
    resources = Resources(
        database=ctx.database,
        temporal=ctx.temporal,
        lines=ctx.lines,
        clock=ctx.clock,
        public_url="http://127.0.0.1:1",
    )
    asked = Requests(resources)
    key = new_name()
    request = readme_sample().request
    assert request.line is None
    made = await asked.enroll_request(
        RequestInput(tenant=ctx.tenant, key=key, request=request, workflow_id="w")
    )
    chosen = select(recipient.c.line).where(recipient.c.id == made.recipient_id)
    return str(ctx.database.read_sync(lambda s: s.connection().execute(chosen).scalar_one()))


def readme_sample() -> RequestCallInput:
    """What the README tells a Temporal client to send."""
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    sent = re.search(r'"RequestCallWorkflow",\n(.*),\n    id=', text)
    assert sent is not None
    return RequestCallInput.model_validate(ast.literal_eval(sent[1].strip()))


class _NoWakeups:
    def wake_soon(self, direct: object) -> None:
        """Nobody carries anything out here."""


DOORS: list[Callable[[Resources], Awaitable[str]]] = [
    by_launch, by_awaited_launch, by_http, by_compat, by_service, by_temporal_client,
]  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
async def test_every_door_chooses_the_same(
    world: World, door: Callable[[Resources], Awaitable[str]]
) -> None:
    for configured, expected in (
        (lines("simulated"), "simulated"),
        (lines("main"), "main"),
        (lines("main", "simulated"), "main"),
        (lines("a", "b", "simulated", default="b"), "b"),
        (lines("a", "simulated", default="simulated"), "simulated"),
        (lines("a", default="of-another-tenant"), "a"),
    ):
        assert await door(replace(world.ctx, lines=configured)) == expected
        await configured.aclose()


@pytest.mark.parametrize("door", DOORS)
async def test_where_none_can_be_chosen_every_door_lists_them(
    world: World, door: Callable[[Resources], Awaitable[str]]
) -> None:
    for configured, said in (
        (lines("a", "b", "simulated"), "there are a, b, simulated"),
        (lines("simulated", "simulated2"), "there are simulated, simulated2"),
        (lines(), "no line is configured"),
    ):
        with pytest.raises((UnknownLine, LaunchRefused, ApplicationError), match=said):
            await door(replace(world.ctx, lines=configured))
        await configured.aclose()


async def test_what_runs_on_the_simulated_network_says_so(world: World) -> None:
    launched = await launching.launch_campaign(world.ctx, definition(new_name()))
    assert "line simulated is the simulated network: nobody's telephone rings" in launched.notes
    progress = await reading.progress(world.ctx, launched.campaign.name)
    assert (progress.lines, progress.simulated) == (("simulated",), ("simulated",))


async def test_a_request_is_asked_for_on_the_chosen_line(world: World) -> None:
    request = CallRequest(to=TO, agent=Agent(id="a"))
    started = await requests.request_call(world.ctx, request, new_name())
    handle = world.ctx.temporal.get_workflow_handle(started)
    assert await (await handle.describe()).static_summary() == (
        "call +1202•••0123 on line simulated"
    )
    await handle.terminate()
