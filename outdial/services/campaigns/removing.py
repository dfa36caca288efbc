"""Removes one person from a campaign that runs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sqlmodel import Session

from outdial.contracts.names import campaign_workflow_id
from outdial.dispatch.signals import signal_hang_up, wake_campaign
from outdial.domain.numbers.phone import mask_phone
from outdial.domain.operator import Action, Operation
from outdial.domain.record import CampaignRecord
from outdial.resources.resources import Resources
from outdial.services.errors import ChangeRefused, NoSuchPerson
from outdial.services.operations.reading import require_campaign
from outdial.store.compliance.operator_log import note_operation
from outdial.store.roster import withdrawal
from outdial.store.roster.requeue import FROM_THE_START
from outdial.store.roster.withdrawal import Withdrawn


@dataclass(frozen=True)
class Removal:
    removed: int
    """Recipients that were not done; they are not called any more."""
    hung_up: int
    """Of them, those whose call in flight was told to end."""
    not_signalled: int = 0
    """Of those calls, how many could not be told now: the sweeper ends them."""


async def remove_recipient(ctx: Resources, name: str, number: str) -> Removal:
    """Withdraw the recipients of the present launch that have a number (E.164), and hang up on
    one who is being called.

    What is stored holds whether Temporal answers or not. Raises NoSuchCampaign, NoSuchPerson, and
    ChangeRefused for a direct campaign.
    """
    removal, calls = await _withdraw(ctx, name, number)
    signalled = await asyncio.gather(*(signal_hang_up(ctx.temporal, each) for each in calls))
    if removal.removed:
        # It may have waited for them alone, until tomorrow, and be finished now.
        await wake_campaign(ctx.temporal, campaign_workflow_id(ctx.tenant, name))
    return Removal(removal.removed, len(calls), signalled.count(False))


async def store_removal(ctx: Resources, name: str, number: str) -> Removal:
    """`remove_recipient` while no engine is running: calls and campaign are not signalled."""
    removal, _ = await _withdraw(ctx, name, number)
    return removal


async def _withdraw(ctx: Resources, name: str, number: str) -> tuple[Removal, list[str]]:
    """What was removed, and the workflows of the calls that are to end."""
    record = await require_campaign(ctx, name)
    if record.direct:
        raise ChangeRefused(f"{name} has no roster; end its calls one by one instead")
    candidates = await _find(ctx, record, number)
    if not candidates:
        raise NoSuchPerson(name, mask_phone(number))
    now = ctx.clock()

    def work(s: Session) -> Withdrawn | None:
        withdrawn = withdrawal.withdraw_number(s, record.id, number, candidates, now=now)
        if withdrawn is not None and withdrawn.recipients:
            details = {"recipients": withdrawn.recipients}
            operation = Operation(Action.REMOVE, f"campaign/{name}", details=details)
            note_operation(s, ctx.tenant, ctx.operator, operation, now=now)
        return withdrawn

    withdrawn = await ctx.database.write(work)
    if withdrawn is None:
        raise NoSuchPerson(name, mask_phone(number))
    calls = [call.workflow_id for call in withdrawn.live]
    return Removal(withdrawn.recipients, len(calls)), calls


async def _find(ctx: Resources, record: CampaignRecord, number: str) -> list[int]:
    """Recipients with a number, read a step at a time while others write."""
    candidates: list[int] = []
    position: int | None = FROM_THE_START
    while position is not None:
        first = position
        ids, position = await ctx.database.read(
            lambda s, first=first: withdrawal.find_number(s, record, number, first)  # type: ignore[misc]
        )
        candidates += ids
    return candidates
