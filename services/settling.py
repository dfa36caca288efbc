"""Telling Temporal what a settled call changed. Told after the commit that settled it."""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlmodel import Session
from temporalio.client import RPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from domain.record import Settled
from services.context import ServiceContext
from store import calls
from store.claims import leases
from store.errors import DatabaseUnavailable
from workflows.names import NUDGE_SIGNAL, REQUEST_SETTLED_SIGNAL

log = logging.getLogger(__name__)

SIGNAL_WITHIN = timedelta(seconds=3)
"""Whoever waits for our answer gives up after five or ten; the sweeper signals what we can't."""


async def tell(ctx: ServiceContext, settled: Settled) -> bool:
    """Nudge the campaign that may redial or finish now, and tell who awaits the recipient.

    False when somebody could not be told.
    """
    if not (settled.changed and settled.settled):
        return True
    told = True
    if settled.campaign_workflow_id and await _idle(ctx, settled):
        told = await send_signal(ctx, settled.campaign_workflow_id, NUDGE_SIGNAL)
    if settled.recipient_done and settled.requester_workflow_id:
        requester = settled.requester_workflow_id
        told = await send_signal(ctx, requester, REQUEST_SETTLED_SIGNAL) and told
    return told


async def _idle(ctx: ServiceContext, settled: Settled) -> bool:
    """Whether no call of the campaign is in flight: the end of one wakes it anyway, and a nudge
    for every call would double the length of its history."""

    def find(s: Session) -> bool:
        call = calls.get_call(s, settled.call_id)
        return call is None or not leases.live_leases(s, call.campaign_id)

    try:
        return await ctx.database.read(find)
    except DatabaseUnavailable:
        return True  # one nudge too many is harmless


async def send_signal(
    ctx: ServiceContext, workflow_id: str, signal: str, argument: object | None = None
) -> bool:
    """Whether nothing is left to be told: it was signalled, or its workflow is over."""
    handle = ctx.temporal.get_workflow_handle(workflow_id)
    arguments = [] if argument is None else [argument]
    try:
        await handle.signal(signal, args=arguments, rpc_timeout=SIGNAL_WITHIN)
    except RPCTimeoutOrCancelledError:
        log.warning("signal %s not delivered in time", signal)
        return False
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return True
        log.warning("signal %s not delivered: %s", signal, error.status.name)
        return False
    except RuntimeError:  # it could not connect, not even once
        log.warning("signal %s not delivered: Temporal is unreachable", signal)
        return False
    return True
