"""Bounds of lists, as an instant or a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from outdial.domain.instants import in_calendar

_NO_DAY = "write a day such as 2026-12-01, or an instant"


def from_day(text: str | None, *, end: bool = False) -> datetime | None:
    """A bound of a list: an instant, or a day (UTC), which as an end is within. Raises ValueError.
    An instant without an offset is in UTC: it only chooses what is shown."""
    try:
        at = _read(text, end)
    except OverflowError as error:
        raise ValueError(_NO_DAY) from error
    if at is not None and not in_calendar(at):
        raise ValueError(_NO_DAY)
    return at


def _read(text: str | None, end: bool) -> datetime | None:
    if text is None:
        return None
    if len(text) <= len("2026-12-01"):
        day = date.fromisoformat(text) + timedelta(days=int(end))
        return datetime.combine(day, time(), UTC)
    # A plus that was not escaped arrives as a space.
    at = datetime.fromisoformat(text.replace(" ", "+") if text.count(" ") == 1 else text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
