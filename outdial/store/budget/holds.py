"""Holds: the money of one call each, reserved by its claim and settled together with the call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace

from sqlalchemy import bindparam, case, func, select, update
from sqlmodel import Session

from outdial.domain.money.cost import BilledCall, CallCost, cost_of
from outdial.domain.money.spending import Spending
from outdial.store.budget.hold import BudgetHold
from outdial.store.budget.totals import Change, add_to_totals, totals_of
from outdial.store.call.locked_call import LockedCall
from outdial.store.db.lookups import Lookup
from outdial.store.db.tables import budget_hold

_SETTLE = update(budget_hold).where(budget_hold.c.call_id == bindparam("of_call"))
_OF_PEOPLE = Lookup(
    select(
        budget_hold.c.recipient_id,
        func.coalesce(budget_hold.c.cost, 0).label("spent"),
        case((budget_hold.c.cost.is_(None), budget_hold.c.highest), else_=0).label("reserved"),
    ).where(budget_hold.c.currency == bindparam("of_currency")),
    budget_hold.c.recipient_id,
    "recipients",
)


def settle_holds(s: Session, calls: Iterable[LockedCall]) -> None:
    """Release what is reserved for calls that are settled to what they have cost, and correct that
    by what was reported since."""
    rows = []
    for locked in calls:
        hold = locked.hold
        if hold is None or not locked.settled:
            continue
        cost = cost_of(_billed(locked), hold.price, hold.highest)
        if (cost.amount, cost.source, cost.excess) == (hold.cost, hold.source, hold.excess):
            continue
        values = {"cost": cost.amount, "cost_source": cost.source.value, "excess": cost.excess}
        rows.append({"of_call": locked.id, **values})
        keys = totals_of(locked.call.campaign_id, locked.call.launch, hold.day, hold.price.currency)
        add_to_totals(s, keys, _change(hold, cost))
        locked.hold = replace(hold, cost=cost.amount, source=cost.source, excess=cost.excess)
    if rows:
        s.connection().execute(_SETTLE, rows)


def _change(hold: BudgetHold, cost: CallCost) -> Change:
    """What a cost changes of the totals."""
    if hold.cost is None:
        return Change(spent=cost.amount, reserved=-hold.highest, excess=cost.excess)
    more = cost.amount - hold.cost
    return Change(spent=more, raised=max(0, more), excess=cost.excess - hold.excess)


def _billed(locked: LockedCall) -> BilledCall:
    call = locked.call
    return BilledCall(
        dialed=call.is_attempt,
        status=call.status,
        failure=call.failure,
        reported=call.cost,
        seconds=call.duration_seconds,
        answered_at=call.answered_at,
        ended_at=call.ended_at,
        rings_again=locked.rings_again,
    )


def used_by_people(s: Session, recipients: Collection[int], currency: str) -> dict[int, int]:
    """What the calls to recipients have cost, with what is reserved for them, in millionths."""
    spending = spending_of_people(s, recipients, currency)
    return {key: spent.used for key, spent in spending.items()}


def spending_of_people(
    s: Session, recipients: Collection[int], currency: str
) -> dict[int, Spending]:
    """What the calls to recipients have cost, and what is reserved for them."""
    if not recipients:
        return {}
    values = {"recipients": list(recipients), "of_currency": currency}
    spent, reserved = Counter[int](), Counter[int]()
    for recipient_id, cost, held in _OF_PEOPLE.execute(s, values):
        spent[recipient_id] += cost
        reserved[recipient_id] += held
    return {key: Spending(spent[key], reserved[key]) for key in spent}
