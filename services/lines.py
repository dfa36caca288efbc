"""Configured lines, made known to the database: the claim locks their rows."""

from __future__ import annotations

from collections.abc import Iterator

from domain.fields import format_duration
from domain.plan import CallPlan
from providers.lines import Lines
from services.context import ServiceContext
from store.lines import LineLimits, ensure_lines


def limits_of(lines: Lines) -> list[LineLimits]:
    """What the claim and the fence have to know of each line."""
    return [
        LineLimits(
            name=line.name,
            provider=line.provider.name,
            max_concurrent=line.policy.max_concurrent,
            per_second=line.policy.per_second,
            breaker=line.policy.breaker,
        )
        for line in lines.values()
    ]


def unbounded_lines(ctx: ServiceContext, plan: CallPlan) -> Iterator[str]:
    """A sentence for each line of a plan on which nothing of ours ends a call that goes on."""
    for share in plan.shares:
        provider = ctx.lines[share.name].provider
        if provider.capabilities.unbounded:
            yield (
                f"line {share.name}: {provider.name} takes no longest duration and can't hang up, "
                f"so max_duration {format_duration(plan.max_duration)} is not kept; give the "
                "agent there one that is not longer"
            )


async def announce_lines(ctx: ServiceContext) -> None:
    """Write down every configured line and its limits. Repeating it is harmless."""
    limits = limits_of(ctx.lines)
    await ctx.database.write(lambda s: ensure_lines(s, ctx.tenant, limits))
