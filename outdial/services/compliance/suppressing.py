"""Suppression lists: add numbers, lift them, and end queued and ringing calls to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from outdial.dispatch.signals import hang_up_suppressed_calls
from outdial.domain.numbers.phone import BadPhone, parse_phone
from outdial.domain.operator import SUPPRESSIONS, Action, Operation
from outdial.resources.resources import Resources
from outdial.services.errors import RequestRefused
from outdial.store.compliance import suppressions
from outdial.store.compliance.operator_log import note_operation
from outdial.store.compliance.suppressions import EVERY_TENANT, Suppression, SuppressionChange

STEP = 2000
"""Numbers in one transaction: about a tenth of a second."""


@dataclass(frozen=True)
class Suppressed:
    added: int
    already_listed: int
    """Numbers that were on the list before."""
    hung_up: int
    """Queued and ringing calls that were signalled to hang up."""
    not_signalled: int
    """Those whose workflows could not be signalled; the fence stops all that were not sent."""


async def suppress(
    ctx: Resources,
    numbers: Sequence[str],
    reason: str,
    *,
    source: str,
    every_tenant: bool = False,
) -> Suppressed:
    """Never call these numbers (E.164) again, and stop their queued and ringing calls.

    A conversation that has begun continues. From the commit on no fence lets a call to them pass.
    """
    tenant = EVERY_TENANT if every_tenant else ctx.tenant
    details = {"source": source} | _every(every_tenant)
    steps = [list(numbers[start : start + STEP]) for start in range(0, len(numbers), STEP)]
    added = hung_up = not_signalled = 0
    for some in steps:
        added += await _list(ctx, tenant, some, reason, source, details)
    # Signals may take seconds each: by then no call to any of the numbers is sent any more.
    for some in steps:
        signalled, failed = await hang_up_suppressed_calls(ctx.database, ctx.temporal, tenant, some)
        hung_up += signalled
        not_signalled += failed
    return Suppressed(added, len(set(numbers)) - added, hung_up, not_signalled)


async def _list(
    ctx: Resources,
    tenant: str,
    numbers: list[str],
    reason: str,
    source: str,
    details: dict[str, Any],
) -> int:
    now = ctx.clock()

    def work(s: Session) -> int:
        added = suppressions.suppress_all(s, tenant, numbers, reason, now=now, source=source)
        counts = {"numbers": len(set(numbers)), "added": added}
        operation = Operation(Action.SUPPRESS, SUPPRESSIONS, reason, counts | details)
        note_operation(s, ctx.tenant, ctx.operator, operation, now=now)
        return added

    return await ctx.database.write(work)


def _every(every_tenant: bool) -> dict[str, Any]:
    return {"every_tenant": True} if every_tenant else {}


async def lift(
    ctx: Resources, number: str, reason: str, *, source: str, every_tenant: bool = False
) -> bool:
    """Allow a number (E.164) again; False when it was not listed. The history stays."""
    now = ctx.clock()
    tenant = EVERY_TENANT if every_tenant else ctx.tenant

    def work(s: Session) -> bool:
        lifted = suppressions.lift(s, tenant, number, now=now, reason=reason, source=source)
        if lifted:
            details = {"numbers": 1, "source": source} | _every(every_tenant)
            operation = Operation(Action.LIFT, SUPPRESSIONS, reason, details)
            note_operation(s, ctx.tenant, ctx.operator, operation, now=now)
        return lifted

    return await ctx.database.write(work)


async def list_suppressed(
    ctx: Resources, *, limit: int, after: str | None = None
) -> list[Suppression]:
    """What is on the tenant's own list now, by number."""
    return await ctx.database.read(
        lambda s: suppressions.list_suppressed(s, ctx.tenant, limit=limit, after=after)
    )


async def history(ctx: Resources, number: str) -> list[SuppressionChange]:
    return await ctx.database.read(lambda s: suppressions.history(s, ctx.tenant, number))


@dataclass(frozen=True)
class Unread:
    """A text that is no number, by its place in what was sent, from 0."""

    index: int
    why: str


def read_numbers(texts: Sequence[str]) -> tuple[list[str], list[Unread]]:
    """The numbers that can be read, and what is wrong with the others: of a list of people who
    must not be called, some are better than none. Raises RequestRefused when none can be."""
    numbers: list[str] = []
    unread: list[Unread] = []
    for index, text in enumerate(texts):
        try:
            numbers.append(parse_phone(text))
        except BadPhone as error:
            unread.append(Unread(index, str(error)))
    if unread and not numbers:
        raise RequestRefused(unread[0].why)
    return numbers, unread
