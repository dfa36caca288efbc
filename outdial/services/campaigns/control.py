"""Pause, resume and stop a campaign; add people to it.

A change goes through the campaign's workflow, which writes it to the database and acts on it.
When there is no workflow, it is written to the database alone: claim and fence read it there.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import (
    RPCTimeoutOrCancelledError,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError

from outdial.contracts.messages import (
    AddRequest,
    CampaignView,
    Message,
    PauseRequest,
    ResumeRequest,
    StopRequest,
)
from outdial.contracts.names import campaign_workflow_id
from outdial.dispatch.errors import TemporalUnavailable, is_not_found, outages_translated
from outdial.domain.call.claim import CampaignState
from outdial.domain.record import CampaignRecord
from outdial.resources.resources import Resources
from outdial.services.errors import (
    ChangeRefused,
    NobodyAnswered,
)
from outdial.services.operations.reading import require_campaign
from outdial.store.campaign.states import finish_campaign, set_campaign_state
from outdial.store.db.errors import IllegalTransition

ANSWER_WITHIN = timedelta(seconds=20)
"""An update is one short transaction; a worker that is just starting needs the rest."""


@dataclass(frozen=True)
class Changed:
    state: CampaignState
    revision: int
    noted_only: bool = False
    """No workflow runs: it was written down, and holds when the campaign runs again."""


async def pause(ctx: Resources, name: str, *, reason: str | None = None) -> Changed:
    """Place no more calls until resumed; calls in flight go on.

    Raises NoSuchCampaign, ChangeRefused, TemporalUnavailable.
    """
    record = await require_campaign(ctx, name)
    if record.state is CampaignState.PAUSED:
        return Changed(record.state, record.revision)
    try:
        view = await _update(ctx, record, "pause", PauseRequest(reason=reason))
    except (TemporalUnavailable, WorkflowUpdateFailedError) as error:
        return await _without_workflow(ctx, record, CampaignState.PAUSED, error, reason=reason)
    return _changed(view)


async def resume(ctx: Resources, name: str) -> Changed:
    """Go on calling. Raises NoSuchCampaign, ChangeRefused, TemporalUnavailable."""
    record = await require_campaign(ctx, name)
    if record.state is CampaignState.RUNNING:
        return Changed(record.state, record.revision)
    try:
        view = await _update(ctx, record, "resume", ResumeRequest())
    except (TemporalUnavailable, WorkflowUpdateFailedError) as error:
        return await _without_workflow(ctx, record, CampaignState.RUNNING, error)
    return _changed(view)


async def stop(
    ctx: Resources, name: str, *, hang_up: bool = False, reason: str | None = None
) -> Changed:
    """End it for good; calls in flight end by themselves, or are hung up.

    Raises NoSuchCampaign, ChangeRefused, TemporalUnavailable.
    """
    record = await require_campaign(ctx, name)
    if record.state is CampaignState.STOPPED:
        return Changed(record.state, record.revision)
    try:
        view = await _update(ctx, record, "stop", StopRequest(hang_up=hang_up, reason=reason))
    except (TemporalUnavailable, WorkflowUpdateFailedError) as error:
        return await _without_workflow(
            ctx, record, CampaignState.STOPPING, error, hang_up=hang_up, reason=reason
        )
    return _changed(view)


async def note_state(
    ctx: Resources,
    name: str,
    state: CampaignState,
    *,
    hang_up: bool = False,
    reason: str | None = None,
) -> Changed:
    """Write a state down while nothing runs; it holds from the next start on.

    Raises NoSuchCampaign, ChangeRefused.
    """
    record = await require_campaign(ctx, name)
    stopped = state is CampaignState.STOPPING and record.state is CampaignState.STOPPED
    if record.state is state or stopped:
        return Changed(record.state, record.revision, noted_only=True)
    return await _note(ctx, record, state, hang_up=hang_up, reason=reason)


async def enroll_staged(ctx: Resources, record: CampaignRecord) -> Changed:
    """Have the campaign enrol what was staged since it was launched.

    Raises ChangeRefused, TemporalUnavailable.
    """
    try:
        view = await _update(
            ctx, record, "add_recipients", AddRequest(), doing=f"nobody was added to {record.name}"
        )
    except WorkflowUpdateFailedError as error:
        raise ChangeRefused(_reason(error)) from error
    return _changed(view)


async def _update(
    ctx: Resources,
    record: CampaignRecord,
    update: str,
    request: Message,
    *,
    doing: str | None = None,
) -> CampaignView:
    """Raises NobodyAnswered, WorkflowUpdateFailedError, and TemporalUnavailable with `doing`."""
    handle = ctx.temporal.get_workflow_handle(campaign_workflow_id(record.tenant, record.name))
    with outages_translated(doing or f"{record.name} was not changed"):
        try:
            async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
                view: CampaignView = await handle.execute_update(
                    update, request, result_type=CampaignView
                )
        except (TimeoutError, RPCTimeoutOrCancelledError):
            raise NobodyAnswered(record.name) from None
    return view


async def _without_workflow(
    ctx: Resources,
    record: CampaignRecord,
    state: CampaignState,
    error: TemporalUnavailable | WorkflowUpdateFailedError,
    *,
    hang_up: bool = False,
    reason: str | None = None,
) -> Changed:
    if isinstance(error, WorkflowUpdateFailedError):
        raise ChangeRefused(_reason(error)) from error
    if is_not_found(error.__cause__):
        return await _note(ctx, record, state, hang_up=hang_up, reason=reason)
    raise error


async def _note(
    ctx: Resources,
    record: CampaignRecord,
    state: CampaignState,
    *,
    hang_up: bool,
    reason: str | None,
) -> Changed:
    now = ctx.clock()
    try:
        changed = await ctx.database.write(
            lambda s: set_campaign_state(
                s, record.id, state, now=now, hang_up=hang_up, reason=reason
            )
        )
        if state is CampaignState.STOPPING:
            over = await ctx.database.write(lambda s: finish_campaign(s, record.id, now=now))
            changed = over or changed
    except IllegalTransition as error:
        raise ChangeRefused(str(error)) from error
    return Changed(changed.state, changed.revision, noted_only=True)


def _changed(view: CampaignView) -> Changed:
    return Changed(view.state, view.revision)


def _reason(error: WorkflowUpdateFailedError) -> str:
    """The store's own words, from under Temporal's wrapping."""
    cause: BaseException | None = error.cause
    while cause is not None:
        if isinstance(cause, ApplicationError):
            return cause.message
        cause = getattr(cause, "cause", None)
    return "the campaign refused the change"
