"""Places in lists of calls, as addresses of pages name them: `INSTANT/ID`."""

from __future__ import annotations

from datetime import datetime

from outdial.domain.instants import in_calendar
from outdial.services.errors import RequestRefused


def place_after(at: datetime, call_id: str) -> str:
    return f"{at.isoformat()}/{call_id}"


def read_place(text: str | None) -> tuple[datetime, str] | None:
    """Instant and id of the last call of the page before. Raises RequestRefused."""
    if text is None:
        return None
    instant, _, call_id = text.partition("/")
    try:
        at = datetime.fromisoformat(instant)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not in_calendar(at) or not call_id:
        raise RequestRefused("the address is wrong; begin with the newest calls")
    return at, call_id
