"""What Temporal answers to a request for a schedule: a wrong cron, a refusal, an outage."""

from __future__ import annotations

from typing import Any, cast

import pytest
from temporalio.client import Client, ScheduleAlreadyRunningError
from temporalio.service import RPCError, RPCStatusCode

from outdial.contracts.signatures.launch import LaunchInput
from outdial.dispatch.errors import TemporalRefused, TemporalUnavailable
from outdial.dispatch.schedules import create_schedule, delete_schedule


class Answering:
    """A Temporal that answers every request with one status; `exists`: but that the schedule to be
    created exists."""

    def __init__(self, status: RPCStatusCode, *, exists: bool = False) -> None:
        self._error = RPCError("its own words", status, b"")
        self._exists = exists

    async def create_schedule(self, *_: Any) -> None:
        raise ScheduleAlreadyRunningError if self._exists else self._error

    def get_schedule_handle(self, _: str) -> Answering:
        return self

    async def update(self, _: Any) -> None:
        raise self._error

    async def delete(self) -> None:
        raise self._error


@pytest.mark.parametrize(
    ("status", "invalid"),
    [(RPCStatusCode.INVALID_ARGUMENT, True), (RPCStatusCode.PERMISSION_DENIED, False)],
)
async def test_a_refusal_keeps_the_words_of_temporal(status: RPCStatusCode, invalid: bool) -> None:
    temporal = cast("Client", Answering(status))
    launch = LaunchInput(tenant="default", file="daily.yaml")
    with pytest.raises(TemporalRefused, match="its own words") as refused:
        await create_schedule(temporal, launch, "daily", "0 9 * * *")
    assert refused.value.invalid is invalid
    with pytest.raises(TemporalRefused, match="its own words"):
        await delete_schedule(temporal, "default", "daily")


async def test_a_schedule_that_may_not_be_changed_is_refused_too() -> None:
    temporal = Answering(RPCStatusCode.PERMISSION_DENIED, exists=True)
    launch = LaunchInput(tenant="default", file="daily.yaml")
    with pytest.raises(TemporalRefused, match="its own words"):
        await create_schedule(cast("Client", temporal), launch, "daily", "0 9 * * *")


async def test_an_outage_is_no_refusal() -> None:
    temporal = cast("Client", Answering(RPCStatusCode.UNAVAILABLE))
    launch = LaunchInput(tenant="default", file="daily.yaml")
    with pytest.raises(TemporalUnavailable):
        await create_schedule(temporal, launch, "daily", "0 9 * * *")
    with pytest.raises(TemporalUnavailable):
        await delete_schedule(temporal, "default", "daily")
