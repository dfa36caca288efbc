"""Names the tenant, campaign and call of each activity in the log."""

from __future__ import annotations

from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from outdial.contracts.names import subject_of
from outdial.runtime.log_subject import logging_about


class LogInterceptor(Interceptor):
    """For the workers of a process."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Activities(next)


class _Activities(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        about = subject_of(activity.info().workflow_id or "")
        call_id = getattr(input.args[0], "call_id", None) if input.args else None
        if isinstance(call_id, str):
            about["call"] = call_id
        with logging_about(about):
            return await super().execute_activity(input)
