"""The connection to Temporal, and what has to be registered there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import CompositePayloadConverter, DataConverter
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

from outdial.contracts.names import SWEEP_SCHEDULE, TASK_QUEUE
from outdial.contracts.search_attributes import SEARCH_ATTRIBUTES
from outdial.contracts.workflows import SweepWorkflow
from outdial.dispatch.errors import refusal_text
from outdial.domain.errors import OutdialError
from outdial.runtime.settings.settings import Settings
from outdial.runtime.temporal_config import client_config, temporal_address

log = logging.getLogger(__name__)

_CATCH_UP = timedelta(minutes=1)
"""A sweep that was missed is not made up for: the next one does the same work."""


_NO_OPERATOR = (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED)
"""Statuses of a server whose operator service is not for this role, or does not exist."""


_CONVERTERS = tuple(PydanticPayloadConverter().converters.values())


CONNECT_WITHIN = timedelta(seconds=10)
"""A server that accepts a connection and never says a word would be waited for for ever."""


class SharedPayloadConverter(CompositePayloadConverter):
    """Pydantic's converter for payloads. The SDK makes one for each run and two for each of its
    tasks: these share their parts, with the type adapters that were built for earlier ones."""

    def __init__(self) -> None:
        super().__init__(*_CONVERTERS)


DATA_CONVERTER = DataConverter(payload_converter_class=SharedPayloadConverter)


class TemporalUnreachable(OutdialError):
    """No Temporal server answers at the configured address, or it lets nobody in."""

    code = "temporal_unreachable"


class TemporalMismatch(OutdialError):
    """The namespace holds a search attribute of ours with another type."""

    code = "temporal_mismatch"


async def connect_temporal(
    settings: Settings,
    *,
    lazy: bool = False,
    within: timedelta = timedelta(0),
    runtime: Runtime | None = None,
) -> Client:
    """A client; with `lazy` it connects at first use, with `within` it tries again for so long.
    `runtime` is what the SDK runs in; default: that of the process.

    Raises TemporalUnreachable, or SettingsInvalid for an unusable configuration of Temporal's.
    """
    config = client_config(settings)
    config["target_host"] = temporal_address(settings)
    loop = asyncio.get_running_loop()
    give_up = loop.time() + within.total_seconds()
    while True:
        try:
            async with asyncio.timeout(CONNECT_WITHIN.total_seconds()):
                return await Client.connect(
                    **config, data_converter=DATA_CONVERTER, lazy=lazy, runtime=runtime
                )
        except (RuntimeError, OSError) as error:  # TimeoutError is one
            refusal = refusal_text(error)
            if refusal is not None:
                raise TemporalUnreachable(
                    f"Temporal at {config['target_host']} lets nobody in by these credentials: "
                    f"{refusal}; correct TEMPORAL_API_KEY or the certificate"
                ) from error
            if loop.time() >= give_up:
                raise TemporalUnreachable(
                    f"no Temporal server answers at {config['target_host']}; "
                    "start it, or correct TEMPORAL_ADDRESS"
                ) from error
        await asyncio.sleep(0.1)


async def register_search_attributes(client: Client) -> list[str]:
    """Register what the workflows set; the names that were new. Repeating it is harmless.

    A role that may not use the operator service, as on Temporal Cloud, registers nothing: it goes
    on where they exist. Raises TemporalMismatch when one exists with another type, or is missing
    and may not be created.
    """
    required = _required_search_attributes()
    existing = await _existing_search_attributes(client, required)
    if existing is None:
        await _require_search_attributes(client, required)
        return []
    missing = {name: kind for name, kind in required.items() if name not in existing}
    if missing:
        try:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
            )
        except RPCError as error:
            if error.status in _NO_OPERATOR:
                await _require_search_attributes(client, missing)
                return []
            if error.status is not RPCStatusCode.ALREADY_EXISTS:  # by another worker, just now
                raise
    return sorted(missing)


async def lacking_search_attributes(client: Client) -> list[str]:
    """What the workflows set and the namespace does not have; nothing is registered.

    Raises TemporalMismatch when one exists with another type.
    """
    required = _required_search_attributes()
    existing = await _existing_search_attributes(client, required)
    if existing is None:
        return await _missing_by_query(client, required)
    return sorted(required.keys() - existing)


def _required_search_attributes() -> dict[str, IndexedValueType.ValueType]:
    return {
        key.name: IndexedValueType.ValueType(key.indexed_value_type) for key in SEARCH_ATTRIBUTES
    }


async def _existing_search_attributes(
    client: Client, required: Mapping[str, IndexedValueType.ValueType]
) -> set[str] | None:
    """Those of the namespace; None where this role may not list them. Raises TemporalMismatch."""
    try:
        existing = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
    except RPCError as error:
        if error.status not in _NO_OPERATOR:
            raise
        return None
    for name, kind in existing.custom_attributes.items():
        if name in required and required[name] != kind:
            raise TemporalMismatch(
                f"search attribute {name} of namespace {client.namespace} is a "
                f"{_type_name(kind)}; it has to be a {_type_name(required[name])}"
            )
    return set(existing.custom_attributes)


async def _require_search_attributes(
    client: Client, required: Mapping[str, IndexedValueType.ValueType]
) -> None:
    """Check that they exist with what a worker may do: a query by one that does not is refused.

    Raises TemporalMismatch, which names those that are missing and how to create them.
    """
    missing = await _missing_by_query(client, required)
    if missing:
        create = f"temporal operator search-attribute create --namespace {client.namespace}"
        each = " ".join(f"--name {name} --type {_type_name(required[name])}" for name in missing)
        raise TemporalMismatch(
            f"namespace {client.namespace} has no search attributes {', '.join(missing)}, and this "
            f"role may not create them; somebody who may: {create} {each} (on Temporal Cloud: in "
            "the namespace's settings)"
        )


async def _missing_by_query(
    client: Client, required: Mapping[str, IndexedValueType.ValueType]
) -> list[str]:
    """Those by which no query is possible; none when that can't be known here."""
    missing = []
    for name in required:
        try:
            await client.count_workflows(f"{name} IS NULL")
        except RPCError as error:
            if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                log.warning(
                    "whether the search attributes exist can't be known here: %s", error.message
                )
                return []
            missing.append(name)
    return missing


async def ensure_sweep_schedule(client: Client, settings: Settings) -> None:
    """Have the sweepers run every `sweep_every`, whatever an earlier version had set."""
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            SweepWorkflow.run,
            id=SWEEP_SCHEDULE,
            task_queue=TASK_QUEUE,
            execution_timeout=timedelta(minutes=10),
            static_summary="repairs what crashes and operators left behind",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=settings.sweep_every)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=_CATCH_UP),
    )
    try:
        await client.create_schedule(SWEEP_SCHEDULE, schedule)
    except ScheduleAlreadyRunningError:
        handle = client.get_schedule_handle(SWEEP_SCHEDULE)

        def renew(current: ScheduleUpdateInput) -> ScheduleUpdate:
            schedule.state = current.description.schedule.state  # an operator may have paused it
            return ScheduleUpdate(schedule)

        await handle.update(renew)


async def restore_sweep_schedule(client: Client, settings: Settings) -> None:
    """Create the schedule and the search attributes once more where Temporal has lost them: its
    data was deleted, or restored from before there were any."""
    try:
        await client.get_schedule_handle(SWEEP_SCHEDULE).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        await register_search_attributes(client)
        await ensure_sweep_schedule(client, settings)


def refusal_of(error: Exception) -> str | None:
    """One line for a request that Temporal did not carry out; None for another error."""
    if not isinstance(error, RPCError):
        return None
    what = "does not answer" if refusal_text(error) is None else "refused"
    return f"Temporal {what}: {error.message}"


def _type_name(kind: int) -> str:
    name = IndexedValueType.Name(IndexedValueType.ValueType(kind))
    return name.removeprefix("INDEXED_VALUE_TYPE_").replace("_", "").title()
