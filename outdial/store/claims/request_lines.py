"""The lines that requests of a direct campaign wait for. Each is found by a descent of an index of
its own, however many requests wait for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select
from sqlmodel import Session

from outdial.domain.record import CampaignRecord
from outdial.store.db.tables import is_ready, is_request, is_waiting, recipient


def _by_line(state: ColumnElement[bool], *firsts: tuple[ColumnElement[Any], ...]) -> Select[Any]:
    """Each line that recipients of a state wait for. `firsts` are columns whose least value is
    selected for each, and the conditions of that."""
    here = (
        recipient.c.campaign_id == bindparam("campaign_id"),
        recipient.c.launch == bindparam("launch"),
        state,
        is_request,
    )
    least = select(func.min(recipient.c.line).label("line")).where(*here)
    lines = least.cte("lines", recursive=True)
    following = least.where(recipient.c.line > lines.c.line).correlate(lines).scalar_subquery()
    lines = lines.union_all(select(following).where(lines.c.line.is_not(None)))
    values = (
        select(func.min(column))
        .where(*here, recipient.c.line == lines.c.line, *conditions)
        .correlate(lines)
        .scalar_subquery()
        for column, *conditions in firsts
    )
    return select(lines.c.line, *values).where(lines.c.line.is_not(None))


_WAITING = _by_line(
    is_waiting, *((recipient.c.due_at, recipient.c.turn == turn) for turn in (0, 1))
)
_READY = _by_line(is_ready, (recipient.c.window_closes_at,))


def first_due(s: Session, campaign: CampaignRecord) -> dict[str, datetime]:
    """By line, when the first of the requests that wait is due."""
    return _firsts(s, campaign, _WAITING)


def first_closing(s: Session, campaign: CampaignRecord) -> dict[str, datetime]:
    """By line, when the window of the first of the requests that are ready closes."""
    return _firsts(s, campaign, _READY)


def _firsts(s: Session, campaign: CampaignRecord, by_line: Select[Any]) -> dict[str, datetime]:
    of_launch = {"campaign_id": campaign.id, "launch": campaign.launch}
    rows: Iterable[Any] = s.connection().execute(by_line, of_launch)
    return {line: min(at for at in firsts if at is not None) for line, *firsts in rows}
