"""Totals of budgets: changed last of all in a transaction, read without a lock.

A claim may read them without one: claims of a campaign queue up at its claim state, and only they
reserve. Whatever else commits meanwhile lowers what is used, but for prices that come after a
settlement, which are counted as `raised` too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from sqlalchemy import RowMapping, Text, and_, bindparam, cast, func, select, union_all
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from outdial.domain.money.spending import Spending
from outdial.store.db.bulk import among
from outdial.store.db.dialect import on_postgresql
from outdial.store.db.ending import Turn, run_last
from outdial.store.db.tables import budget_total, campaign

_PENDING = "budget totals"
_SUMS = ("spent", "reserved", "raised", "excess")
_OF_CLAIM = union_all(
    *(
        select(budget_total).where(
            budget_total.c.campaign_id == bindparam("campaign_id"),
            budget_total.c.scope == scope,
            budget_total.c.key == bindparam(scope),
            budget_total.c.currency == bindparam("of_currency"),
        )
        for scope in ("launch", "day")
    )
)
_OF_LAUNCHES = (
    select(budget_total)
    .join_from(
        campaign,
        budget_total,
        and_(
            budget_total.c.campaign_id == campaign.c.id,
            budget_total.c.scope == "launch",
            budget_total.c.key == cast(campaign.c.launch, Text),
        ),
    )
    .where(among(campaign.c.id, "ids"))
)
_LATEST_DAY = (
    select(func.max(budget_total.c.key))
    .where(budget_total.c.campaign_id == campaign.c.id, budget_total.c.scope == "day")
    .correlate(campaign)
    .scalar_subquery()
)
_OF_LATEST_DAYS = (
    select(budget_total)
    .join_from(
        campaign,
        budget_total,
        and_(
            budget_total.c.campaign_id == campaign.c.id,
            budget_total.c.scope == "day",
            budget_total.c.key == _LATEST_DAY,
        ),
    )
    .where(among(campaign.c.id, "ids"))
)


class Scope(StrEnum):
    LAUNCH = "launch"
    DAY = "day"


class TotalKey(NamedTuple):
    """Which total; they are locked in the order of these."""

    campaign_id: int
    scope: Scope
    key: str
    currency: str


class Change(NamedTuple):
    spent: int = 0
    reserved: int = 0
    raised: int = 0
    excess: int = 0

    def plus(self, other: Change) -> Change:
        return Change(*(one + two for one, two in zip(self, other, strict=True)))


def totals_of(campaign_id: int, launch: int, day: str, currency: str) -> tuple[TotalKey, TotalKey]:
    """The totals that a call counts for."""
    return (
        TotalKey(campaign_id, Scope.DAY, day, currency),
        TotalKey(campaign_id, Scope.LAUNCH, str(launch), currency),
    )


def add_to_totals(s: Session, keys: Iterable[TotalKey], change: Change) -> None:
    """Change totals when the transaction ends."""
    pending: dict[TotalKey, Change] | None = s.info.get(_PENDING)
    if pending is None:
        pending = s.info[_PENDING] = {}
        run_last(s, lambda: _write(s), Turn.TOTALS)
    for key in keys:
        pending[key] = pending.get(key, Change()).plus(change)


def _write(s: Session) -> None:
    pending: dict[TotalKey, Change] = s.info.pop(_PENDING)
    rows = [
        key._asdict() | {"scope": key.scope.value} | change._asdict()
        for key, change in sorted(pending.items())
    ]
    s.connection().execute(_adding(on_postgresql(s)), rows)


@cache
def _adding(postgres: bool) -> postgresql.Insert | sqlite.Insert:
    insert = postgresql.insert(budget_total) if postgres else sqlite.insert(budget_total)
    sums = {name: budget_total.c[name] + insert.excluded[name] for name in _SUMS}
    return insert.on_conflict_do_update(index_elements=list(TotalKey._fields), set_=sums)


def read_use(
    s: Session, campaign_id: int, launch: int, day: str, currency: str
) -> tuple[Spending, Spending]:
    """What the calls of a launch and those of a day have used."""
    values = {"campaign_id": campaign_id, "launch": str(launch), "day": day}
    rows = s.connection().execute(_OF_CLAIM, values | {"of_currency": currency}).mappings()
    spending = {row["scope"]: spending_of(row) for row in rows}
    return spending.get("launch", Spending()), spending.get("day", Spending())


def spending_of(row: RowMapping) -> Spending:
    return Spending(**{name: row[name] for name in _SUMS})


def read_totals(s: Session, ids: Collection[int]) -> list[RowMapping]:
    """Totals of the present launches of campaigns, and of the latest day of each."""
    values = {"ids": list(ids)}
    return [
        row
        for statement in (_OF_LAUNCHES, _OF_LATEST_DAYS)
        for row in s.connection().execute(statement, values).mappings()
    ]
