"""Values as the vendors' pages have them: instants, whole numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer

from outdial.domain.instants import EARLIEST, LATEST, in_calendar
from outdial.webhook_formats.words import millis, zulu

_EXAMPLE = "write an ISO 8601 timestamp such as 2026-12-01T15:00:00Z"


def _instant(value: Any) -> Any:
    """ISO 8601 as text; what has no offset is in UTC, as the vendors' samples write it."""
    if value is None or isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError(_EXAMPLE)
    try:
        at = datetime.fromisoformat(value.strip())
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"found {value[:60]!r}; {_EXAMPLE}") from None
    if not in_calendar(at):
        raise ValueError(
            f"found {value[:60]!r}; write a year from {EARLIEST.year} to {LATEST.year}"
        )
    return at


def _whole(value: Any) -> Any:
    """An integer as JSON has it: `300`, and `300.0`, which is the same number."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool | str):
        raise ValueError(f"found {value!r}; write a whole number")
    return value


def whole_seconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)


Instant = Annotated[datetime, BeforeValidator(_instant)]
"""An instant of a request."""
Timestamp = Annotated[datetime, PlainSerializer(zulu)]
"""An instant of an answer, to the second with a Z: so strict readers of the pages expect it."""
Milliseconds = Annotated[datetime, PlainSerializer(millis)]
"""The same as JavaScript's `toISOString` writes it."""
Whole = Annotated[int, BeforeValidator(_whole), Field(strict=True)]
