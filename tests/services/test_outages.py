"""What is an outage of Temporal, and what is a defect that must not be taken for one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from temporalio.service import RPCError, RPCStatusCode

from outdial.dispatch.errors import TemporalUnavailable, is_outage, outages_translated
from outdial.dispatch.executions import describe_execution
from outdial.dispatch.signals import wake_campaign
from outdial.dispatch.starting import (
    start_call,
    start_callback_run,
    start_campaign,
    wake_direct_campaign,
)
from outdial.services.calls.requests import await_outcome
from outdial.services.campaigns import control
from outdial.services.operations.reading import require_campaign
from outdial.store.db.database import Database
from tests.services.defective import (
    DEFECTS,
    NEVER_CONNECTED,
    DefectiveServiceClient,
    client_of,
)
from tests.services.world import build_world, no_temporal

Ask = Callable[[], Awaitable[object]]


@given(DEFECTS)
def test_no_runtime_error_of_ours_is_an_outage(text: str) -> None:
    with pytest.raises(RuntimeError) as caught, outages_translated("nothing was done"):
        raise RuntimeError(text)
    assert str(caught.value) == text


@given(st.sampled_from([NotImplementedError, RecursionError]), st.text())
def test_no_kind_of_runtime_error_is_one_by_its_text(kind: type[RuntimeError], text: str) -> None:
    assert not is_outage(kind(NEVER_CONNECTED + text))


@pytest.mark.parametrize("status", list(RPCStatusCode)[1:])
def test_what_temporal_did_not_carry_out_is_an_outage(status: RPCStatusCode) -> None:
    with (
        pytest.raises(TemporalUnavailable, match=r"^Temporal does not answer, so it is open$"),
        outages_translated("it is open"),
    ):
        raise RPCError("refused", status, b"")


async def test_a_client_that_never_connected_raises_what_is_taken_for_an_outage() -> None:
    temporal = await no_temporal()
    with pytest.raises(RuntimeError) as caught:
        await temporal.count_workflows()
    assert type(caught.value) is RuntimeError
    assert str(caught.value).startswith(NEVER_CONNECTED)
    with pytest.raises(TemporalUnavailable):
        await describe_execution(temporal, "campaign/default/nobody")
    assert not await wake_campaign(temporal, "campaign/default/nobody")
    assert not await start_callback_run(temporal, "c1")


@pytest_asyncio.fixture(loop_scope="session")
async def asks(database: Database) -> tuple[DefectiveServiceClient, list[Ask]]:
    """All that talks to Temporal, with a client that has a defect."""
    service = DefectiveServiceClient()
    world = build_world(database, client_of(service))
    [call] = await world.claim_calls(1)
    record = await require_campaign(world.ctx, call.campaign)
    temporal = world.ctx.temporal
    return service, [
        lambda: describe_execution(temporal, call.workflow_id),
        lambda: wake_campaign(temporal, call.workflow_id),
        lambda: start_callback_run(temporal, call.call_id),
        lambda: start_call(temporal, call),
        lambda: start_campaign(temporal, record),
        lambda: wake_direct_campaign(temporal, record),
        lambda: control.pause(world.ctx, record.name),
        lambda: control.stop(world.ctx, record.name),
        lambda: control.enroll_staged(world.ctx, record),
        lambda: await_outcome(world.ctx, "request/default/nothing"),
    ]


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=DEFECTS)
async def test_a_defect_passes_through_all_that_talks_to_temporal(
    asks: tuple[DefectiveServiceClient, list[Ask]], text: str
) -> None:
    service, work = asks
    service.text = text
    for ask in work:
        with pytest.raises(RuntimeError) as caught:
            await ask()
        assert str(caught.value) == text
