"""Telling Temporal what a committed transaction changed.

Told after the commit. What a crash swallows here is told again by the sweeper, or found by
the workflow that waits for it, which looks now and then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from temporalio.client import Client, RPCTimeoutOrCancelledError
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from outdial.contracts.messages import CallbackRunInput
from outdial.contracts.names import (
    HANG_UP_SIGNAL,
    REQUEST_SETTLED_SIGNAL,
    TASK_QUEUE,
    callback_workflow_id,
)
from outdial.contracts.workflows import CallbackWorkflow
from outdial.dispatch.errors import is_not_found, is_outage
from outdial.domain.record import Settled
from outdial.store.compliance import suppressions
from outdial.store.db.database import Database
from outdial.store.db.errors import DatabaseUnavailable

log = logging.getLogger(__name__)

SIGNAL_WITHIN = timedelta(seconds=3)
"""A provider that waits for our answer gives up after five or ten; the sweeper tells again."""


async def silence(
    database: Database, temporal: Client, tenant: str, numbers: Sequence[str]
) -> tuple[int, int]:
    """Tell queued and ringing calls to listed numbers to hang up.

    Called after the commit that listed them: whoever passed the fence before it holds a slot by
    now. How many were told, and how many could not be; the fence stops all that have not left.
    """
    if not numbers:
        return 0, 0
    try:
        live = await database.read(
            lambda s: suppressions.calls_before_a_talk(s, tenant, list(numbers))
        )
    except DatabaseUnavailable:
        log.warning("calls to listed numbers were not looked for: the database is down")
        return 0, 1
    told = await asyncio.gather(
        *(signal_workflow(temporal, call.workflow_id, HANG_UP_SIGNAL) for call in live)
    )
    return sum(told), len(told) - sum(told)


async def tell_requester(temporal: Client, settled: Settled) -> bool:
    """Tell the workflow that awaits a recipient's end, if there is one; False if it could not."""
    if not (settled.recipient_done and settled.requester_workflow_id):
        return True
    return await signal_workflow(temporal, settled.requester_workflow_id, REQUEST_SETTLED_SIGNAL)


async def start_callback_run(temporal: Client, call_id: str, run: int = 1) -> bool:
    """Start the workflow of a call's callbacks; False when it could not be started now.

    Its id names the call and the run, so that starting it twice starts it once.
    """
    try:
        await temporal.start_workflow(
            CallbackWorkflow.run,
            CallbackRunInput(call_id=call_id, run=run),
            id=callback_workflow_id(call_id, run),
            task_queue=TASK_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary="callbacks of a call",
            rpc_timeout=SIGNAL_WITHIN,
        )
    except WorkflowAlreadyStartedError:
        return True
    except Exception as error:
        if not is_outage(error):
            raise
        log.warning("a callback workflow was not started: %s", type(error).__name__)
        return False
    return True


async def signal_workflow(
    temporal: Client, workflow_id: str, signal: str, argument: object | None = None
) -> bool:
    """Whether nothing is left to be told: it was signalled, or its workflow is over."""
    handle = temporal.get_workflow_handle(workflow_id)
    arguments = [] if argument is None else [argument]
    try:
        await handle.signal(signal, args=arguments, rpc_timeout=SIGNAL_WITHIN)
    except RPCTimeoutOrCancelledError:
        log.warning("signal %s not delivered in time", signal)
        return False
    except RPCError as error:
        if is_not_found(error):
            return True
        log.warning("signal %s not delivered: %s", signal, error.status.name)
        return False
    except RuntimeError as error:
        if not is_outage(error):
            raise
        log.warning("signal %s not delivered: no connection to Temporal", signal)
        return False
    return True
