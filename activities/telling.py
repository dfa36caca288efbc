"""Telling Temporal what a committed transaction changed.

Told after the commit. What a crash swallows here is told again by the sweeper, or found by
the workflow that waits for it, which looks now and then.
"""

from __future__ import annotations

import logging

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.record import Settled
from workflows.names import REQUEST_SETTLED_SIGNAL

log = logging.getLogger(__name__)


async def tell_requester(temporal: Client, settled: Settled) -> None:
    """Signal the workflow that awaits a recipient's end, if there is one."""
    if settled.recipient_done and settled.requester_workflow_id:
        await signal_workflow(temporal, settled.requester_workflow_id, REQUEST_SETTLED_SIGNAL)


async def signal_workflow(
    temporal: Client, workflow_id: str, signal: str, argument: object | None = None
) -> bool:
    """Signal by name; False when nobody could be told now, or the workflow is over."""
    handle = temporal.get_workflow_handle(workflow_id)
    try:
        if argument is None:
            await handle.signal(signal)
        else:
            await handle.signal(signal, argument)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            log.warning("signal %s not delivered: %s", signal, error.status.name)
        return False
    return True
