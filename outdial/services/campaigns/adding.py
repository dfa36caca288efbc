"""Adds recipients to a campaign that runs, and reads their results."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from outdial.domain.bounds import FREE_FORM, OutOfBounds, require_within
from outdial.domain.definition.source import InlineRecipient
from outdial.domain.record import CallRecord, RecipientRecord
from outdial.intake.contacts.roster import draft_recipients
from outdial.resources.resources import Resources
from outdial.services.accounts.quotas import spend
from outdial.services.accounts.rights import require_for_recipients
from outdial.services.campaigns.control import Changed, enroll_staged
from outdial.services.errors import ChangeRefused, RequestRefused
from outdial.services.operations.reading import require_campaign
from outdial.store.campaign.campaigns import definition_at
from outdial.store.db.errors import CampaignEnded
from outdial.store.roster import roster

PAGE = 500
"""Recipients read in one transaction."""


@dataclass(frozen=True)
class Result:
    """What became of one person of a campaign, so far."""

    recipient: RecipientRecord
    last: CallRecord | None


async def add_recipients(
    ctx: Resources,
    name: str,
    recipients: Sequence[InlineRecipient],
    *,
    scopes: tuple[str, ...] | None = None,
) -> tuple[int, Changed]:
    """Add recipients to the present launch, checked as if its definition listed them.

    How many, and the campaign. `scopes` are those of the key that sent them; without, they are the
    operator's own. Raises NoSuchCampaign, RequestRefused, ScopeMissing, DefinitionInvalid,
    ChangeRefused, TemporalUnavailable (then they are staged, and enrolled with the next ones).
    """
    try:
        for index, one in enumerate(recipients):
            require_within(one.model_dump(), FREE_FORM, ("recipients", index))
    except OutOfBounds as error:
        raise RequestRefused(str(error)) from None
    record = await require_campaign(ctx, name)
    definition = await ctx.database.read(lambda s: definition_at(s, record.id, record.revision))
    if definition is None:
        raise ChangeRefused(f"{name} has no roster; ask for single calls instead")
    if scopes is not None:
        require_for_recipients(ctx, scopes, definition)
    drafts = await asyncio.to_thread(draft_recipients, definition, recipients)
    now = ctx.clock()

    def work(s: Session) -> int:
        spend(s, ctx, len(drafts), now)
        return roster.add_recipients(s, record.id, drafts)

    try:
        count = await ctx.database.write(work)
    except CampaignEnded as error:
        raise ChangeRefused(str(error)) from error
    return count, await enroll_staged(ctx, record)


async def list_results(ctx: Resources, name: str, *, limit: int, after: int = 0) -> list[Result]:
    """Recipients of the present launch by id, with their last calls. Raises NoSuchCampaign."""
    record = await require_campaign(ctx, name)

    def work(s: Session) -> list[Result]:
        recipients = roster.list_recipients(
            s, record.id, launch=record.launch, limit=limit, after=after
        )
        last = roster.last_calls(s, [one.id for one in recipients])
        return [Result(one, last.get(one.id)) for one in recipients]

    return await ctx.database.read(work)


async def stream_results(ctx: Resources, name: str) -> AsyncIterator[Result]:
    """All results of `list_results`, with one page in memory at a time."""
    after = 0
    while True:
        page = await list_results(ctx, name, limit=PAGE, after=after)
        for result in page:
            yield result
        if len(page) < PAGE:
            return
        after = page[-1].recipient.id
