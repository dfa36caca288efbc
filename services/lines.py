"""Configured lines, made known to the database: the claim locks their rows."""

from __future__ import annotations

from sqlmodel import Session

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
            # The fence counts whole calls in whole seconds.
            per_second=max(1, int(line.policy.per_second)),
        )
        for line in lines.values()
    ]


async def announce_lines(ctx: ServiceContext) -> None:
    """Write down every configured line and its limits. Repeating it is harmless."""
    tenants = sorted({line.tenant for line in ctx.lines.values()})

    def work(s: Session) -> None:
        for tenant in tenants:
            ensure_lines(s, tenant, limits_of(ctx.lines.of_tenant(tenant)))

    await ctx.database.write(work)
