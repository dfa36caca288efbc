"""Recipients of a launch in the order of their positions, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, select
from sqlmodel import Session

from outdial.store.db.ranges import read_in_order
from outdial.store.db.tables import recipient

_BEFORE_ALL = -(2**31)
"""Lower than any position. The first page has a bound as well: with the launch alone, every index
that begins with it looks alike to PostgreSQL, which would sort the whole launch for a page."""


def read_positions(
    s: Session,
    people: Select[Any],
    campaign_id: int,
    launch: int,
    *,
    after: int | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """At most `limit` rows of `people`, which selects from recipients, behind a position."""
    page = people.where(
        recipient.c.campaign_id == campaign_id,
        recipient.c.launch == launch,
        recipient.c.position > (_BEFORE_ALL if after is None else after),
    )
    return read_in_order(s, page.order_by(recipient.c.position).limit(limit)).all()


def read_variables(
    s: Session, campaign_id: int, launch: int, *, after: int | None, limit: int
) -> list[tuple[int, dict[str, str]]]:
    """The positions and variables of at most `limit` recipients behind a position."""
    people = select(recipient.c.position, recipient.c.variables)
    rows = read_positions(s, people, campaign_id, launch, after=after, limit=limit)
    return [(row.position, row.variables) for row in rows]
