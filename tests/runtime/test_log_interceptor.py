"""Entries of an activity say what it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from outdial.contracts.names import call_workflow_id
from outdial.contracts.signatures.call import PlaceInput
from outdial.runtime.log_interceptor import LogInterceptor
from outdial.runtime.log_subject import log_subject


class Observing(ActivityInboundInterceptor):
    """The end of the line: an activity that says what the log would say of it."""

    def __init__(self) -> None:
        pass

    async def execute_activity(self, input: ExecuteActivityInput) -> Mapping[str, str]:
        return log_subject()


async def test_an_activity_is_about_its_workflow_and_its_call() -> None:
    intercepted = LogInterceptor().intercept_activity(Observing())

    async def run(*args: Any) -> Any:
        named = ExecuteActivityInput(fn=run, args=args, executor=None, headers={})
        return await intercepted.execute_activity(named)

    environment = ActivityEnvironment()
    workflow_id = call_workflow_id("clinic", "spring", 1, 2, 3)
    environment.info = replace(environment.info, workflow_id=workflow_id)
    of_campaign = {"tenant": "clinic", "campaign": "spring"}
    assert await environment.run(run, PlaceInput(call_id="c1")) == of_campaign | {"call": "c1"}
    assert await environment.run(run) == of_campaign
    assert log_subject() == {}
