"""Answers to tool calls of an agent: a sentence to say, and the data behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from outdial.domain.clocks import load_zone


class Tool(StrEnum):
    CHECK_AVAILABILITY = "check_availability"
    BOOK_APPOINTMENT = "book_appointment"
    MOVE_APPOINTMENT = "move_appointment"
    OPT_OUT = "opt_out"
    CALL_ME_LATER = "call_me_later"


def yes(message: str, **facts: Any) -> dict[str, Any]:
    return {"ok": True, "message": message, **facts}


def no(message: str, **facts: Any) -> dict[str, Any]:
    return {"ok": False, "message": message, **facts}


def spoken_time(instant: datetime, zone: str) -> str:
    """A time as an agent says it, in the calendar's zone."""
    local = instant.astimezone(load_zone(zone))
    return f"{local:%A}, {local:%B} {local.day} at {local:%H:%M}"


def offer_alternatives(message: str, instants: Sequence[datetime], zone: str) -> dict[str, Any]:
    """A negative answer, with alternatives."""
    if not instants:
        return no(f"{message}. There is nothing free at all.", alternatives=[])
    listed = "; ".join(spoken_time(instant, zone) for instant in instants)
    local = [instant.astimezone(load_zone(zone)).isoformat() for instant in instants]
    return no(f"{message}. Free are: {listed}.", alternatives=local)


def offer_other_times(at: datetime, times: Sequence[datetime], zone: str) -> dict[str, Any]:
    """A negative answer to somebody who asks to be called when no call may be made."""
    refused = f"We may not call on {spoken_time(at, zone)}"
    if not times:
        return no(f"{refused}, nor at any later time.", alternatives=[])
    listed = ", or on ".join(spoken_time(instant, zone) for instant in times)
    local = [instant.astimezone(load_zone(zone)).isoformat() for instant in times]
    return no(f"{refused}. We can call on {listed}.", alternatives=local)
