"""Signals to workflows about what a transaction changed, sent after its commit.

Signals lost in a crash are sent again by the sweeper, or made up for by the workflow, which polls
the database now and then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence

from temporalio.client import Client
from temporalio.service import RPCError

from outdial.contracts.names import (
    HANG_UP_SIGNAL,
    NUDGE_SIGNAL,
    REPORT_SIGNAL,
    REQUEST_SETTLED_SIGNAL,
)
from outdial.dispatch.answers import SIGNAL_WITHIN, answered_within
from outdial.dispatch.errors import TemporalRefused, TemporalUnavailable, is_not_found
from outdial.domain.call.event import CallEvent
from outdial.store.compliance import suppressions
from outdial.store.db.database import Database
from outdial.store.db.errors import DatabaseUnavailable

log = logging.getLogger(__name__)


async def signal_report(temporal: Client, workflow_id: str, event: CallEvent) -> bool:
    """Pass an event on to the workflow of its call, without what histories may not hold.

    True when nothing is left to be signalled.
    """
    return await _signalled(send_report(temporal, workflow_id, event))


async def send_report(temporal: Client, workflow_id: str, event: CallEvent) -> None:
    """`signal_report` that raises TemporalRefused and TemporalUnavailable."""
    await _send(temporal, workflow_id, REPORT_SIGNAL, event.for_workflow())


async def signal_hang_up(temporal: Client, workflow_id: str) -> bool:
    """Have the workflow of a call end it. True when nothing is left to be signalled."""
    return await _signalled(_send(temporal, workflow_id, HANG_UP_SIGNAL))


async def signal_requester(temporal: Client, workflow_id: str) -> bool:
    """The recipient that a RequestCallWorkflow awaits has ended. True when nothing is left to be
    signalled."""
    return await _signalled(send_request_settled(temporal, workflow_id))


async def send_request_settled(temporal: Client, workflow_id: str) -> None:
    """`signal_requester` that raises TemporalRefused and TemporalUnavailable."""
    await _send(temporal, workflow_id, REQUEST_SETTLED_SIGNAL)


async def wake_campaign(temporal: Client, workflow_id: str) -> bool:
    """Have a campaign look for work now, if it runs. True when nothing is left to be signalled."""
    return await _signalled(_send(temporal, workflow_id, NUDGE_SIGNAL))


async def hang_up_suppressed_calls(
    database: Database, temporal: Client, tenant: str, numbers: Sequence[str]
) -> tuple[int, int]:
    """Signal queued and ringing calls to suppressed numbers to hang up.

    To be called after the commit that suppressed them: calls that passed the fence before it hold a
    slot by now, and the fence stops all others. Returns how many were signalled, and how many
    could not be.
    """
    if not numbers:
        return 0, 0
    try:
        live = await database.read(
            lambda s: suppressions.calls_before_a_talk(s, tenant, list(numbers))
        )
    except DatabaseUnavailable:
        log.warning("calls to suppressed numbers were not looked for: the database is down")
        return 0, 1
    signalled = await asyncio.gather(*(signal_hang_up(temporal, call.workflow_id) for call in live))
    return sum(signalled), len(signalled) - sum(signalled)


async def _signalled(sending: Awaitable[None]) -> bool:
    """Whether nothing is left to be signalled."""
    try:
        await sending
    except (TemporalRefused, TemporalUnavailable) as error:
        log.warning("%s", error)
        return False
    return True


async def _send(temporal: Client, workflow_id: str, name: str, *arguments: object) -> None:
    """Send a signal to a workflow, unless it is over. Raises TemporalRefused,
    TemporalUnavailable."""
    handle = temporal.get_workflow_handle(workflow_id)
    async with answered_within(SIGNAL_WITHIN, f"signal {name} was not delivered"):
        try:
            await handle.signal(name, args=arguments)
        except RPCError as error:
            if not is_not_found(error):
                raise
