"""Callback runs: listed, and retried from where they failed."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from outdial.dispatch.starting import start_callback_run
from outdial.domain.call.callback_run import CallbackRun, CallbackState
from outdial.domain.operator import Action, Operation
from outdial.resources.resources import Resources
from outdial.services.errors import ChangeRefused
from outdial.services.operations.reading import require_campaign
from outdial.store.callbacks import runs
from outdial.store.callbacks.runs import CalledPerson
from outdial.store.compliance.operator_log import note_operation
from outdial.store.db.errors import UnknownCall


async def list_callback_runs(
    ctx: Resources, name: str, *, state: CallbackState | None = None, limit: int = 1000
) -> list[CallbackRun]:
    """The callback runs of a campaign, newest first. Raises NoSuchCampaign."""
    record = await require_campaign(ctx, name)
    return await ctx.database.read(
        lambda s: runs.list_callback_runs(s, record.id, state=state, limit=limit)
    )


async def called_people(ctx: Resources, listed: Sequence[CallbackRun]) -> dict[str, CalledPerson]:
    """Whom the calls of listed runs were to, by the calls' ids."""
    ids = [callback_run.call_id for callback_run in listed]
    return await ctx.database.read(lambda s: runs.called_by(s, ids))


async def find_callback_run(ctx: Resources, call_id: str) -> CallbackRun | None:
    """The callbacks of a call of the tenant; None: it has none."""
    run = await ctx.database.read(lambda s: runs.get_callback_run(s, call_id))
    return run if run is not None and run.tenant == ctx.tenant else None


async def retry_callbacks(ctx: Resources, call_id: str) -> CallbackRun:
    """Go on with the callbacks of a call from the one that failed. What is done stays done.

    Raises ChangeRefused when none has failed, and TemporalRefused or TemporalUnavailable when the
    retry is recorded and could not be started now: the sweeper starts it.
    """
    now = ctx.clock()

    def work(s: Session) -> CallbackRun | None:
        retried = runs.retry_callback_run(s, call_id, now=now)
        if retried is not None:
            operation = Operation(
                Action.RETRY, f"call/{call_id}", details={"callback_run": retried.run}
            )
            note_operation(s, ctx.tenant, ctx.operator, operation, now=now)
        return retried

    try:
        callback_run = await ctx.database.write(work)
    except UnknownCall as error:
        listed = "`outdial callbacks` lists those that have"
        raise ChangeRefused(f"call {call_id!r} has no callbacks; {listed}") from error
    if callback_run is None:
        raise ChangeRefused(f"no callback of call {call_id} has failed")
    await start_callback_run(ctx.temporal, call_id, callback_run.run)
    await ctx.database.write(lambda s: runs.mark_started(s, [call_id], now=now))
    return callback_run
