"""Refuses to carry out a plan that was made of other inputs than there are now."""

from __future__ import annotations

from outdial.domain.definition.fingerprint import PlanFingerprint
from outdial.intake.definition import LoadedDefinition
from outdial.resources.resources import Resources
from outdial.services.campaigns.plan_input import present_fingerprint
from outdial.services.errors import StalePlan


async def require_fresh(ctx: Resources, loaded: LoadedDefinition, made_of: PlanFingerprint) -> None:
    """Check that a plan of a definition would be made of the same inputs now.

    Raises StalePlan with what has changed, UnknownLine, DefinitionInvalid.
    """
    present = await present_fingerprint(ctx, ctx.lines.of_tenant(ctx.tenant), loaded)
    if present != made_of:
        changed = "; ".join(made_of.changed(present))
        raise StalePlan(f"the plan is stale; make a new one. Changed since then: {changed}")


async def require_plan(ctx: Resources, loaded: LoadedDefinition, plan_id: str) -> PlanFingerprint:
    """Check that a plan of a definition would have this id now; what it would be made of.

    Raises StalePlan with the versions of today, UnknownLine, DefinitionInvalid.
    """
    present = await present_fingerprint(ctx, ctx.lines.of_tenant(ctx.tenant), loaded)
    if present.id != plan_id:
        raise StalePlan(
            f"the plan {plan_id[:12]} was made of other inputs; make a new one. Of this definition "
            f"it would have the id {present.id}. Its `inputs` show what has changed"
        )
    return present
