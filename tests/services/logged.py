"""What the operator log has of a campaign or of anything else."""

from __future__ import annotations

from outdial.domain.operator import LogEntry
from outdial.resources.resources import Resources
from outdial.services.compliance.operator_log import list_log


async def logged(ctx: Resources, subject: str | None = None) -> list[LogEntry]:
    """Entries, oldest first."""
    return (await list_log(ctx, limit=1000, subject=subject))[::-1]
