"""Fits a people model to a campaign's own calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sqlmodel import Session

from outdial.rehearsal.learning import LearnedModel, Learner
from outdial.resources.resources import Resources
from outdial.services.errors import RequestRefused
from outdial.services.operations.reading import require_campaign
from outdial.store.campaign.past_calls import PastPage, read_past_calls

PAGE = 1000
"""Recipients that are read in one transaction, with their calls."""
Progress = Callable[[int], None]
"""Is given how many people have been read."""


async def learn_people(
    ctx: Resources, name: str, *, progress: Progress | None = None
) -> LearnedModel:
    """Fit a model to the calls of all launches of a campaign that have ended.

    Raises NoSuchCampaign, and RequestRefused where no call has ended.
    """
    record = await require_campaign(ctx, name)
    learner = Learner()
    for launch in range(1, record.launch + 1):
        await _read_launch(ctx, record.id, launch, learner, progress)
    if not learner.people:
        raise RequestRefused(f"no call of {name} has ended yet: there is nothing to learn from")
    return await asyncio.to_thread(learner.fit, f"the calls of {name}")


async def _read_launch(
    ctx: Resources, campaign_id: int, launch: int, learner: Learner, progress: Progress | None
) -> None:
    after: int | None = None
    while True:

        def read(s: Session, after: int | None = after) -> PastPage:
            return read_past_calls(s, campaign_id, launch, after=after, limit=PAGE)

        page = await ctx.database.read(read)
        await asyncio.to_thread(learner.add, page.people)
        if progress is not None:
            progress(learner.people)
        if page.last is None:
            return
        after = page.last
