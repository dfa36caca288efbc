"""Effects of a committed settlement outside the database: signals the requester, hangs up calls to
numbers that it suppressed, and starts the callbacks of the call."""

from __future__ import annotations

import logging
from datetime import datetime

from temporalio.client import Client

from outdial.dispatch.errors import TemporalRefused, TemporalUnavailable
from outdial.dispatch.signals import hang_up_suppressed_calls, signal_requester, wake_campaign
from outdial.dispatch.starting import start_callback_run
from outdial.domain.record import Settled
from outdial.store.callbacks import runs
from outdial.store.claims import leases
from outdial.store.db.database import Database
from outdial.store.db.errors import DatabaseUnavailable

log = logging.getLogger(__name__)


async def propagate_settlement(
    database: Database, temporal: Client, settled: Settled, now: datetime
) -> bool:
    """Hang up calls to the numbers that it suppressed, start its callbacks, and signal the
    requester once the recipient has ended.

    False when a signal was not delivered. What could not be started is started by the sweeper.
    """
    _, failed = await hang_up_suppressed_calls(database, temporal, settled.tenant, settled.listed)
    await _start_callbacks(database, temporal, settled, now)
    signalled = True
    if settled.recipient_done and settled.requester_workflow_id:
        signalled = await signal_requester(temporal, settled.requester_workflow_id)
    return signalled and not failed


async def propagate_reported_settlement(
    database: Database, temporal: Client, settled: Settled, now: datetime
) -> bool:
    """The same for a call that an event settled, and not its workflow: its campaign may have the
    next attempt to make, or nothing left to do, and is woken."""
    if not (settled.changed and settled.settled):
        # What is reported after the settlement may still suppress numbers.
        _, failed = await hang_up_suppressed_calls(
            database, temporal, settled.tenant, settled.listed
        )
        return not failed
    signalled = True
    if settled.campaign_workflow_id and await _is_idle(database, settled):
        signalled = await wake_campaign(temporal, settled.campaign_workflow_id)
    return await propagate_settlement(database, temporal, settled, now) and signalled


async def _is_idle(database: Database, settled: Settled) -> bool:
    """Whether no call of the campaign is in flight: the end of one wakes it anyway, and a signal
    for every call would double the length of its history."""

    try:
        return not await database.read(lambda s: leases.campaign_is_calling(s, settled.call_id))
    except DatabaseUnavailable:
        return True  # one signal too many is harmless


async def _start_callbacks(
    database: Database, temporal: Client, settled: Settled, now: datetime
) -> None:
    if not (settled.changed and settled.has_callbacks):
        return
    try:
        await start_callback_run(temporal, settled.call_id)
    except (TemporalRefused, TemporalUnavailable) as error:
        log.warning("a callback workflow was not started: %s", error)
    else:
        await database.write(lambda s: runs.mark_started(s, [settled.call_id], now=now))
