"""Bounds of instants that come from outside: what dates can't be computed with is refused early."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2999, 12, 31, tzinfo=UTC)
"""Outside of them, arithmetic over weeks and zones leaves the calendar."""
FURTHEST_AHEAD = timedelta(days=366)
"""No call is scheduled further ahead."""
JUST_NOW = timedelta(minutes=1)
"""Clocks differ, and agents leave out the seconds: so little ago means now."""
OLDEST_REPORT = timedelta(days=366)
CLOCK_AHEAD = timedelta(days=1)
"""A provider's clock may be wrong, but no report is about tomorrow."""


def in_calendar(at: datetime) -> bool:
    return EARLIEST <= at <= LATEST


def too_far(at: datetime | None, now: datetime) -> bool:
    """Whether a call is requested for a time that is too far ahead to schedule one."""
    return at is not None and at > now + FURTHEST_AHEAD


TOO_FAR = f"found a time more than {FURTHEST_AHEAD.days} days ahead; write an earlier one"


def promised(at: datetime | None, since: datetime) -> datetime | None:
    """The time that somebody asked for during a talk that ended at `since`, or that end if it is
    later.

    None for a time that has passed or is more than a year ahead: it is no promise.
    """
    if at is None or at <= since - JUST_NOW or at > since + FURTHEST_AHEAD:
        return None
    return max(at, since)


def reported(at: datetime, received: datetime) -> datetime:
    """When something happened, by what its report says; when it was received, if the report names
    a time at which it can't have happened."""
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    if received - OLDEST_REPORT <= at <= received + CLOCK_AHEAD:
        return at
    return received
