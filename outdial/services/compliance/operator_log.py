"""What operators did: listed, and verified to be complete and unchanged."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from outdial.domain.hash_links import Fault
from outdial.domain.operator import LogEntry, check_entries
from outdial.resources.resources import Resources
from outdial.services.compliance.auditing import parse_head
from outdial.store.compliance import operator_log


@dataclass(frozen=True)
class LogAudit:
    """`head` names the last entry: kept elsewhere, it shows a change to any before it."""

    entries: int
    head: str
    faults: tuple[Fault, ...]

    @property
    def sound(self) -> bool:
        return not self.faults


async def list_log(
    ctx: Resources, *, limit: int, before: int | None = None, subject: str | None = None
) -> list[LogEntry]:
    """A page of the tenant's log, newest first."""
    entries = await ctx.database.read(
        lambda s: operator_log.list_entries(
            s, ctx.tenant, limit=limit, before=before, subject=subject
        )
    )
    return [entry.read() for entry in entries]


async def audit_log(ctx: Resources, *, kept: str | None = None) -> LogAudit:
    """Verify the tenant's log from its first entry on.

    `kept` is a head as an earlier audit printed it, `12:ab34…`. Raises RequestRefused for a head
    that is none.
    """
    earlier = None if kept is None else parse_head(kept)

    def work(s: Session) -> LogAudit:
        last, count, faults = check_entries(operator_log.read_log(s, ctx.tenant))
        if earlier is not None:
            faults += _unlike(s, ctx.tenant, *earlier)
        return LogAudit(count, f"{count}:{last}", tuple(faults))

    return await ctx.database.read(work)


def _unlike(s: Session, tenant: str, sequence: int, digest: str) -> list[Fault]:
    if sequence == 0:
        return []
    stored = operator_log.hash_of(s, tenant, sequence)
    if stored is None:
        return [Fault(sequence, "the entry of the kept head is gone")]
    if stored != digest:
        return [Fault(sequence, "it is not the entry of the kept head")]
    return []
