"""Parses the time formats of providers; None for what can't be read, never an error."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def from_unix(seconds: float | None) -> datetime | None:
    """Seconds since 1970."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def from_milliseconds(milliseconds: float | None) -> datetime | None:
    """Milliseconds since 1970."""
    return None if milliseconds is None else from_unix(milliseconds / 1000)


def from_iso(text: str | None) -> datetime | None:
    """ISO 8601. A time without a zone is taken for UTC, as every API here means it."""
    try:
        parsed = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return _utc(parsed)


def from_rfc2822(text: str | None) -> datetime | None:
    """As in mail and HTTP headers: `Tue, 10 Aug 2027 08:02:17 +0000`."""
    try:
        parsed = parsedate_to_datetime(text or "")
    except (ValueError, IndexError):
        return None
    return _utc(parsed)


def _utc(parsed: datetime) -> datetime | None:
    aware = parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
    try:
        return aware.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
