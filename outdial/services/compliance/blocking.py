"""Blocks of places, and an operator's own rules: changed at run time, without a deployment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Generic, TypeVar

from sqlmodel import Session

from outdial.contracts.names import campaign_workflow_id
from outdial.dispatch.signals import wake_campaign
from outdial.domain.definition.fields import parse_date, parse_instant
from outdial.domain.definition.purpose import Purpose
from outdial.domain.operator import RULES, Action, Operation
from outdial.domain.record import CampaignRecord
from outdial.domain.rules.place import UnknownPlace, require_jurisdiction
from outdial.domain.rules.rule import EVERYWHERE, Rule
from outdial.domain.rules.rulebook import Block, Rulebook, countries
from outdial.resources.resources import Resources
from outdial.services.errors import RulesInvalid
from outdial.store.compliance import rulings
from outdial.store.compliance.operator_log import note_operation

T = TypeVar("T")
AT_ONCE = 50
"""Campaigns that are signalled at once."""


@dataclass(frozen=True)
class RulesChanged(Generic[T]):
    """A change of rules, which decisions and fences see from its commit on."""

    result: T
    not_signalled: int
    """Campaigns that Temporal could not be told to wake; they decide about waiting recipients again
    when they claim next."""


_LAST_ZONE = timedelta(hours=12)
"""A date has begun everywhere once it has at UTC-12."""


async def block(
    ctx: Resources,
    jurisdiction: str,
    until: str,
    reason: str,
    purpose: Purpose | None = None,
) -> RulesChanged[Block]:
    """Block all calls to a place until an instant or a date, from the commit on; fences see it too.

    Raises RulesInvalid for an unknown place, and for a time that is invalid or has passed.
    """
    now = ctx.clock()
    blocked = Block(
        jurisdiction=_place(jurisdiction),
        until=_instant(until),
        reason=reason,
        purpose=purpose,
    )
    if blocked.until <= now:
        raise RulesInvalid(f"found {until!r}, which has passed; write a later date")

    def work(s: Session) -> Block:
        rulings.block(s, ctx.tenant, blocked, now=now)
        details = {"until": blocked.until.isoformat()} | _of_purpose(purpose)
        operation = Operation(Action.BLOCK, f"place/{blocked.jurisdiction}", reason, details)
        note_operation(s, ctx.tenant, ctx.operator, operation, now=now)
        return blocked

    return await _change(ctx, work)


async def unblock(
    ctx: Resources, jurisdiction: str, purpose: Purpose | None = None
) -> RulesChanged[bool]:
    """Lift a block; False when there was none. Raises RulesInvalid."""
    now, place = ctx.clock(), _place(jurisdiction)

    def work(s: Session) -> bool:
        lifted = rulings.unblock(s, ctx.tenant, place, purpose, now=now)
        if lifted:
            operation = Operation(Action.UNBLOCK, f"place/{place}", details=_of_purpose(purpose))
            note_operation(s, ctx.tenant, ctx.operator, operation, now=now)
        return lifted

    return await _change(ctx, work)


def _of_purpose(purpose: Purpose | None) -> dict[str, Any]:
    return {} if purpose is None else {"purpose": purpose.value}


async def replace_rules(ctx: Resources, rules: Sequence[Rule]) -> RulesChanged[int]:
    """Put these rules in place of the tenant's own; how many there were before.

    They are added to those that ship, so they can only be stricter. Raises RulesInvalid.
    """
    shipped = {rule.id for rule in Rulebook().rules}
    ids = [rule.id for rule in rules]
    for rule_id in ids:
        if rule_id in shipped:
            raise RulesInvalid(f"found rule {rule_id!r}, which ships already; name it differently")
        if ids.count(rule_id) > 1:
            raise RulesInvalid(f"found rule {rule_id!r} twice; name one differently")
    now = ctx.clock()

    def work(s: Session) -> int:
        before = rulings.replace_rules(s, ctx.tenant, rules, now=now)
        operation = Operation(Action.REPLACE, RULES, details={"before": before, "rules": ids})
        note_operation(s, ctx.tenant, ctx.operator, operation, now=now)
        return before

    return await _change(ctx, work)


async def rulebook(ctx: Resources) -> Rulebook:
    """Everything in force now."""
    now = ctx.clock()
    return await ctx.database.read(lambda s: rulings.read_rulebook(s, ctx.tenant, now))


def of_place(book: Rulebook, place: str | None) -> tuple[tuple[Rule, ...], tuple[Block, ...]]:
    """The rules and blocks that apply in a place; without one, all of them. Raises RulesInvalid."""
    if place is None:
        return book.rules, book.blocks
    code = _place(place)
    places = {code, EVERYWHERE, *countries([code])}
    return (
        tuple(rule for rule in book.rules if rule.jurisdiction in places),
        tuple(blocked for blocked in book.blocks if blocked.jurisdiction in places),
    )


async def _change(ctx: Resources, work: Callable[[Session], T]) -> RulesChanged[T]:
    """Commit the change, then wake campaigns to decide about their recipients again."""
    done = await ctx.database.write(work)
    campaigns = await ctx.database.read(lambda s: rulings.open_campaigns(s, ctx.tenant))
    gate = asyncio.Semaphore(AT_ONCE)

    async def wake(record: CampaignRecord) -> bool:
        async with gate:
            return await wake_campaign(
                ctx.temporal, campaign_workflow_id(record.tenant, record.name)
            )

    woken = await asyncio.gather(*map(wake, campaigns))
    return RulesChanged(done, woken.count(False))


def _place(text: str) -> str:
    try:
        return require_jurisdiction(text)
    except UnknownPlace as error:
        raise RulesInvalid(str(error)) from error


def _instant(text: str) -> datetime:
    """An instant, or the moment at which a date has begun everywhere on earth."""
    try:
        return datetime.combine(parse_date(text), time(), UTC) + _LAST_ZONE
    except ValueError:
        try:
            return parse_instant(text)
        except ValueError as error:
            raise RulesInvalid(f"until: {error}; or a date such as 2030-01-31") from error
