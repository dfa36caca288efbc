"""Explain what a campaign waits for: why it places no calls, or no more of them, by count."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.resources.resources import Resources
from outdial.services.compliance.explaining import could_change
from outdial.services.operations.reading import require_campaign
from outdial.store.campaign.progress import read_progress
from outdial.store.roster.waiting import WaitingGroup, WaitingSummary, read_waiting


class WaitingReason(BaseModel):
    """Recipients that wait, by what for."""

    model_config = ConfigDict(frozen=True)

    code: str
    """`callable`: they may be called now, and wait for a free slot."""
    people: int
    reason: str
    """In words, of the one who can be called first."""
    could_change_it: str
    next_call_at: datetime | None
    """When the first of them can be called; null: never."""
    next_call_zone: str
    """The time zone of that person."""


class CampaignExplanation(BaseModel):
    """What a campaign waits for."""

    model_config = ConfigDict(frozen=True)

    campaign: str
    state: CampaignState
    reason: str | None
    """Why it is paused or stopped, or what its last claim waited for."""
    at: datetime
    """When this was decided."""
    recipients: dict[str, int]
    """By state: waiting, ready (in their hours, without a slot yet), calling, settling, done."""
    in_flight: int
    limits: list[str]
    """Limits that admit no call now: of the campaign's pacing and budget, and of its lines."""
    decided: int
    """How many of those who wait were decided about, those who are due first."""
    waiting: list[WaitingReason]
    """What they wait for, the most frequent first."""
    next_call_at: datetime | None
    """When the first of them can be called."""
    next_call_zone: str | None


async def explain_campaign(ctx: Resources, name: str) -> CampaignExplanation:
    """What a campaign waits for at this instant. Raises NoSuchCampaign."""
    record = await require_campaign(ctx, name)
    now = ctx.clock()
    return await ctx.database.read(lambda s: _explain(s, record, now))


def _explain(s: Session, record: CampaignRecord, now: datetime) -> CampaignExplanation:
    progress = read_progress(s, record.id)
    summary = WaitingSummary((), (), 0)
    if progress.by_state.get(RecipientState.WAITING, 0) or progress.by_state.get(
        RecipientState.READY, 0
    ):
        summary = read_waiting(s, record, progress.in_flight, now)
    callable_at = [
        (group.next_call_at, group.zone)
        for group in summary.groups
        if group.next_call_at is not None
    ]
    next_call_at, zone = min(callable_at, default=(None, None))
    return CampaignExplanation(
        campaign=record.name,
        state=progress.state,
        reason=progress.reason,
        at=now,
        recipients=progress.by_state,
        in_flight=progress.in_flight,
        limits=list(summary.limits),
        decided=summary.decided,
        waiting=[_reason(group) for group in summary.groups],
        next_call_at=next_call_at,
        next_call_zone=zone,
    )


def _reason(group: WaitingGroup) -> WaitingReason:
    return WaitingReason(
        code=group.reason.code,
        people=group.people,
        reason=group.reason.text,
        could_change_it=could_change(group.reason.code),
        next_call_at=group.next_call_at,
        next_call_zone=group.zone,
    )
