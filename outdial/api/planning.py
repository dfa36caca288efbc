"""Plans that are made in this process, one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from outdial.api.state import ApiState
from outdial.intake.definition import LoadedDefinition
from outdial.services.accounts.access import Caller
from outdial.services.campaigns.plan_changes import plan_changes
from outdial.services.campaigns.plan_document import PlanDocument
from outdial.services.campaigns.plan_input import read_with_database
from outdial.services.campaigns.planning import make_plan
from outdial.services.campaigns.rehearsal_processes import Interruption

RUNS = 3
MOST_ROWS = 100_000
"""Rows of the definition, and recipients of its campaign; so many take some seconds to plan."""


async def plan_definition(
    state: ApiState,
    caller: Caller,
    loaded: LoadedDefinition,
    *,
    start: datetime | None = None,
    seeds: Sequence[int] = range(1, RUNS + 1),
) -> PlanDocument:
    """What a definition would do, launched or applied at `start`, by default now.

    Raises PlanTooLarge, RehearsalFailed, DefinitionInvalid, UnknownLine, ScopeMissing.
    """
    ctx = caller.ctx
    interruption = Interruption()
    async with state.planning:
        given = await read_with_database(
            ctx, loaded, start or ctx.clock(), scopes=caller.key.scopes, at_most=MOST_ROWS
        )
        changes = await plan_changes(ctx, given)
        try:
            plan = await asyncio.to_thread(make_plan, given, seeds, interruption=interruption)
        except asyncio.CancelledError:
            interruption.request()
            raise
    return PlanDocument.of(plan, changes)
