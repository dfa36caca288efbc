"""Telling Temporal what a settled call changed. Told after the commit that settled it."""

from __future__ import annotations

from sqlmodel import Session

from outdial.contracts.names import NUDGE_SIGNAL
from outdial.dispatch.settled import tell_settled
from outdial.dispatch.telling import signal_workflow, silence
from outdial.domain.record import Settled
from outdial.resources.resources import Resources
from outdial.store.call import calls
from outdial.store.claims import leases
from outdial.store.db.errors import DatabaseUnavailable


async def tell(ctx: Resources, settled: Settled) -> bool:
    """Nudge the campaign that may redial or finish now, and tell who awaits the recipient.

    False when somebody could not be told.
    """
    if not (settled.changed and settled.settled):
        return await _silence(ctx, settled)
    told = True
    if settled.campaign_workflow_id and await _idle(ctx, settled):
        told = await signal_workflow(ctx.temporal, settled.campaign_workflow_id, NUDGE_SIGNAL)
    return await tell_settled(ctx.database, ctx.temporal, settled, ctx.clock()) and told


async def _silence(ctx: Resources, settled: Settled) -> bool:
    """What comes after the settlement may still list numbers."""
    _, untold = await silence(ctx.database, ctx.temporal, settled.tenant, settled.listed)
    return not untold


async def _idle(ctx: Resources, settled: Settled) -> bool:
    """Whether no call of the campaign is in flight: the end of one wakes it anyway, and a nudge
    for every call would double the length of its history."""

    def find(s: Session) -> bool:
        call = calls.get_call(s, settled.call_id)
        return call is None or not leases.live_leases(s, call.campaign_id)

    try:
        return await ctx.database.read(find)
    except DatabaseUnavailable:
        return True  # one nudge too many is harmless
