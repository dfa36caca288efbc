"""Configured lines, made known to the database: the claim locks their rows."""

from __future__ import annotations

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


async def announce_lines(ctx: ServiceContext) -> None:
    """Write down every configured line and its limits. Repeating it is harmless."""
    limits = limits_of(ctx.lines)
    await ctx.database.write(lambda s: ensure_lines(s, ctx.tenant, limits))
