"""Pauses, resumes and stops a campaign; enrols recipients that were added to it.

A change goes through the campaign's workflow, which writes it to the database and acts on it.
When there is no workflow, it is written to the database alone: claim and fence read it there.
"""

from __future__ import annotations

from dataclasses import dataclass

from outdial.contracts.messages import (
    AddRequest,
    CampaignView,
    Message,
    PauseRequest,
    ResumeRequest,
    StopRequest,
)
from outdial.dispatch.campaigns import update_campaign
from outdial.dispatch.errors import TemporalUnavailable, UpdateRefused, WorkflowNotFound
from outdial.domain.call.claim import CampaignState
from outdial.domain.record import CampaignRecord
from outdial.resources.resources import Resources
from outdial.services.errors import ChangeRefused
from outdial.services.operations.reading import require_campaign
from outdial.store.campaign.states import finish_campaign, set_campaign_state
from outdial.store.db.errors import IllegalTransition


@dataclass(frozen=True)
class Changed:
    state: CampaignState
    revision: int
    noted_only: bool = False
    """No workflow runs: the state is stored, and takes effect when the campaign runs again."""


async def pause(ctx: Resources, name: str, *, reason: str | None = None) -> Changed:
    """Place no more calls until resumed; calls in flight go on.

    Raises NoSuchCampaign, ChangeRefused, WorkerTimeout, TemporalRefused, TemporalUnavailable.
    """
    record = await require_campaign(ctx, name)
    if record.state is CampaignState.PAUSED:
        return Changed(record.state, record.revision)
    try:
        view = await _update(ctx, record, "pause", PauseRequest(reason=reason, by=ctx.operator))
    except WorkflowNotFound:
        return await _store(ctx, record, CampaignState.PAUSED, reason=reason)
    return _changed(view)


async def resume(ctx: Resources, name: str) -> Changed:
    """Continue a paused campaign.

    Raises NoSuchCampaign, ChangeRefused, WorkerTimeout, TemporalRefused, TemporalUnavailable.
    """
    record = await require_campaign(ctx, name)
    if record.state is CampaignState.RUNNING:
        return Changed(record.state, record.revision)
    try:
        view = await _update(ctx, record, "resume", ResumeRequest(by=ctx.operator))
    except WorkflowNotFound:
        return await _store(ctx, record, CampaignState.RUNNING)
    return _changed(view)


async def stop(
    ctx: Resources, name: str, *, hang_up: bool = False, reason: str | None = None
) -> Changed:
    """End it for good; calls in flight end by themselves, or are hung up.

    Raises NoSuchCampaign, ChangeRefused, WorkerTimeout, TemporalRefused, TemporalUnavailable.
    """
    record = await require_campaign(ctx, name)
    if record.state is CampaignState.STOPPED:
        return Changed(record.state, record.revision)
    try:
        request = StopRequest(hang_up=hang_up, reason=reason, by=ctx.operator)
        view = await _update(ctx, record, "stop", request)
    except WorkflowNotFound:
        return await _store(ctx, record, CampaignState.STOPPING, hang_up=hang_up, reason=reason)
    return _changed(view)


async def store_state(
    ctx: Resources,
    name: str,
    state: CampaignState,
    *,
    hang_up: bool = False,
    reason: str | None = None,
) -> Changed:
    """Store a state while the engine is not running; it takes effect when the engine starts.

    Raises NoSuchCampaign, ChangeRefused.
    """
    record = await require_campaign(ctx, name)
    stopped = state is CampaignState.STOPPING and record.state is CampaignState.STOPPED
    if record.state is state or stopped:
        return Changed(record.state, record.revision, noted_only=True)
    return await _store(ctx, record, state, hang_up=hang_up, reason=reason)


async def enroll_staged(ctx: Resources, record: CampaignRecord) -> Changed:
    """Have the campaign enrol what was staged since it was launched.

    Raises ChangeRefused, WorkerTimeout, TemporalRefused, TemporalUnavailable.
    """
    doing = f"the recipients are stored, and {record.name} enrols them later"
    try:
        view = await _update(ctx, record, "add_recipients", AddRequest(), doing=doing)
    except WorkflowNotFound as error:
        raise TemporalUnavailable(doing) from error
    return _changed(view)


async def _update(
    ctx: Resources,
    record: CampaignRecord,
    update: str,
    request: Message,
    *,
    doing: str | None = None,
) -> CampaignView:
    """Raises ChangeRefused, WorkerTimeout, WorkflowNotFound, and TemporalRefused and
    TemporalUnavailable, which say `doing`."""
    doing = doing or f"{record.name} was not changed"
    try:
        return await update_campaign(ctx.temporal, record, update, request, doing=doing)
    except UpdateRefused as error:
        raise ChangeRefused(str(error)) from error


async def _store(
    ctx: Resources,
    record: CampaignRecord,
    state: CampaignState,
    *,
    hang_up: bool = False,
    reason: str | None = None,
) -> Changed:
    now = ctx.clock()
    try:
        changed = await ctx.database.write(
            lambda s: set_campaign_state(
                s, record.id, state, now=now, hang_up=hang_up, reason=reason, by=ctx.operator
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
