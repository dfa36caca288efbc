"""Configured lines: stores them in the database, where claims lock their rows, and lists them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlmodel import Session

from outdial.domain.call.plan import CallPlan
from outdial.domain.definition.fields import format_duration
from outdial.domain.line.breaker import Health
from outdial.providers.lines import Lines, simulated_note
from outdial.resources.resources import Resources
from outdial.services.errors import NotFound
from outdial.store.lines.lines import LineLimits, LineStatus, ensure_lines, line_status


def limits_of(lines: Lines) -> list[LineLimits]:
    """The limits of each line, as claim and fence use them."""
    return [
        LineLimits(
            name=line.name,
            provider=line.provider.name,
            max_concurrent=line.policy.max_concurrent,
            per_second=line.policy.per_second,
            breaker=line.policy.breaker,
            price=line.policy.price,
        )
        for line in lines.values()
    ]


def simulated_lines(ctx: Resources, plan: CallPlan) -> Iterator[str]:
    """A warning for each line of a plan that is on the simulated network."""
    for share in plan.shares:
        if ctx.lines[share.name].simulated:
            yield simulated_note(share.name)


def unbounded_lines(ctx: Resources, plan: CallPlan) -> Iterator[str]:
    """A warning for each line of a plan on which we can't end a call after `max_duration`."""
    for share in plan.shares:
        provider = ctx.lines[share.name].provider
        if provider.capabilities.unbounded:
            yield (
                f"line {share.name}: {provider.name} takes no longest duration and can't hang up, "
                f"so max_duration {format_duration(plan.max_duration)} is not kept; give the "
                "agent there one that is not longer"
            )


def left_to_providers(ctx: Resources, plan: CallPlan) -> Iterator[str]:
    """A warning for each option that a plan leaves open and that only the provider decides."""
    yield from unbounded_lines(ctx, plan)
    for share in plan.shares:
        carried = ctx.lines[share.name].provider.carried
        if plan.recording is None and not carried.recording_off:
            yield (
                f"line {share.name}: whether calls are recorded is set in {carried.where}; "
                "nothing is said of it here"
            )


async def announce_lines(ctx: Resources) -> None:
    """Store every configured line and its limits. Idempotent."""
    tenants = sorted({line.tenant for line in ctx.lines.values()})

    def work(s: Session) -> None:
        for tenant in tenants:
            ensure_lines(s, tenant, limits_of(ctx.lines.of_tenant(tenant)))

    await ctx.database.write(work)


async def list_lines(ctx: Resources) -> list[LineStatus]:
    """The tenant's lines that are configured here, by name."""
    return [await get_line(ctx, name) for name in sorted(ctx.lines.of_tenant(ctx.tenant))]


async def get_line(ctx: Resources, name: str) -> LineStatus:
    """One of the tenant's lines, by its name. Raises NotFound."""
    line = ctx.lines.of_tenant(ctx.tenant).get(name)
    if line is None:
        raise NotFound("line", name)
    status = await ctx.database.read(lambda s: line_status(s, ctx.tenant, name))
    if status is None:  # no worker has announced it yet
        (limits,) = limits_of(Lines([line]))
        status = LineStatus(
            **limits.model_dump(exclude={"breaker", "price"}), in_flight=0, health=Health()
        )
    return status
