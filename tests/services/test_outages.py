"""What is an outage of Temporal, and what is a defect that must not be taken for one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from outdial.dispatch.errors import (
    TemporalRefused,
    TemporalUnavailable,
    failure_of,
    failures_translated,
    is_not_found,
)
from outdial.dispatch.executions import ExecutionState, await_closed, describe_execution
from outdial.dispatch.signals import wake_campaign
from outdial.dispatch.starting import (
    start_call,
    start_callback_run,
    start_campaign,
    wake_direct_campaign,
)
from outdial.runtime import connection
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
MINUTE = timedelta(minutes=1)


@given(DEFECTS)
def test_no_runtime_error_of_ours_is_an_outage(text: str) -> None:
    with pytest.raises(RuntimeError) as caught, failures_translated("nothing was done"):
        raise RuntimeError(text)
    assert str(caught.value) == text


@given(st.sampled_from([NotImplementedError, RecursionError]), st.text())
def test_no_kind_of_runtime_error_is_one_by_its_text(kind: type[RuntimeError], text: str) -> None:
    assert failure_of(kind(NEVER_CONNECTED + text), "nothing") is None


LASTING = {
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.NOT_FOUND,
    RPCStatusCode.ALREADY_EXISTS,
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.OUT_OF_RANGE,
    RPCStatusCode.UNIMPLEMENTED,
}


@pytest.mark.parametrize("status", [each for each in RPCStatusCode if each not in LASTING])
def test_what_temporal_can_not_do_now_is_an_outage(status: RPCStatusCode) -> None:
    with (
        pytest.raises(TemporalUnavailable, match=r"^Temporal does not answer, so it is open$"),
        failures_translated("it is open"),
    ):
        raise RPCError("its own words", status, b"")


@pytest.mark.parametrize("status", sorted(LASTING))
def test_what_temporal_refuses_it_would_refuse_again(status: RPCStatusCode) -> None:
    with (
        pytest.raises(TemporalRefused, match=r"^Temporal refused: its own words; so it is open$"),
        failures_translated("it is open"),
    ):
        raise RPCError("its own words.", status, b"")


def test_the_answer_of_a_proxy_is_no_refusal_of_temporals() -> None:
    text = "grpc-status header missing, mapped from HTTP status code 404"
    error = RPCError(text, RPCStatusCode.UNIMPLEMENTED, b"")
    assert isinstance(failure_of(error, "it is open"), TemporalUnavailable)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("PermissionDenied", TemporalRefused),
        ("Unauthenticated", TemporalRefused),
        ("Unimplemented", TemporalUnavailable),
        ("Unavailable", TemporalUnavailable),
    ],
)
def test_credentials_that_are_refused_while_connecting_are_no_outage(
    code: str, kind: type[Exception]
) -> None:
    text = (
        f"{NEVER_CONNECTED}`get_system_info` call error after connection: "
        f'Status {{ code: {code}, message: "its own words", metadata: MetadataMap {{ }} }}'
    )
    with pytest.raises(kind), failures_translated("it is open"):
        raise RuntimeError(text)


async def test_a_namespace_that_is_not_found_is_no_workflow_that_is_over(
    temporal_server: WorkflowEnvironment,
) -> None:
    """Else its campaigns would be started anew, and its signals counted as delivered."""
    address = temporal_server.client.service_client.config.target_host
    elsewhere = await Client.connect(
        address, namespace="nowhere", data_converter=connection.DATA_CONVERTER
    )
    with pytest.raises(RPCError) as refused:
        await elsewhere.get_workflow_handle("nobody").signal("nudge")
    assert not is_not_found(refused.value)
    assert not await wake_campaign(elsewhere, "nobody")
    for ask in (
        lambda: describe_execution(elsewhere, "nobody"),
        lambda: await_closed(elsewhere, "nobody", MINUTE, doing="it is open"),
        lambda: start_callback_run(elsewhere, "c1"),
    ):
        with pytest.raises(TemporalRefused, match="nowhere is not found"):
            await ask()
    present = temporal_server.client
    assert await wake_campaign(present, "nobody")
    assert (await describe_execution(present, "nobody")).state is ExecutionState.ABSENT
    assert await await_closed(present, "nobody", MINUTE, doing="it is open")


async def test_a_client_that_never_connected_raises_what_is_taken_for_an_outage() -> None:
    temporal = await no_temporal()
    with pytest.raises(RuntimeError) as caught:
        await temporal.count_workflows()
    assert type(caught.value) is RuntimeError
    assert str(caught.value).startswith(NEVER_CONNECTED)
    with pytest.raises(TemporalUnavailable):
        await describe_execution(temporal, "campaign/default/nobody")
    assert not await wake_campaign(temporal, "campaign/default/nobody")
    with pytest.raises(TemporalUnavailable):
        await start_callback_run(temporal, "c1")


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
