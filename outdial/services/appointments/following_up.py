"""What followed calls: looked at, and what failed carried on from where it failed."""

from __future__ import annotations

from outdial.dispatch.errors import TemporalUnavailable
from outdial.dispatch.telling import start_after_call
from outdial.domain.call.chain import Chain, StepState
from outdial.resources.resources import Resources
from outdial.services.errors import ChangeRefused
from outdial.services.operations.reading import require_campaign
from outdial.store.callbacks import chains
from outdial.store.db.errors import UnknownCall


async def list_chains(
    ctx: Resources, name: str, *, state: StepState | None = None, limit: int = 1000
) -> list[Chain]:
    """What followed the calls of a campaign, newest first. Raises NoSuchCampaign."""
    record = await require_campaign(ctx, name)
    return await ctx.database.read(
        lambda s: chains.list_chains(s, record.id, state=state, limit=limit)
    )


async def retry_callback(ctx: Resources, call_id: str) -> Chain:
    """Go on with the failed steps of a call. What is done stays done.

    Raises ChangeRefused when nothing of it has failed, and TemporalUnavailable when it is written
    down and could not be started now: the sweeper starts it.
    """
    now = ctx.clock()
    try:
        chain = await ctx.database.write(lambda s: chains.replay_chain(s, call_id, now=now))
    except UnknownCall as error:
        known = "`outdial callbacks` lists them"
        raise ChangeRefused(f"nothing follows a call {call_id!r}; {known}") from error
    if chain is None:
        raise ChangeRefused(f"nothing that followed call {call_id} has failed")
    if not await start_after_call(ctx.temporal, call_id, chain.run):
        raise TemporalUnavailable("it is written down, and started as soon as a worker sweeps")
    await ctx.database.write(lambda s: chains.mark_started(s, [call_id], now=now))
    return chain
