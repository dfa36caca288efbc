"""What an agent is told while it talks: a sentence to say, and the facts behind it."""

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


def spoken(instant: datetime, zone: str) -> str:
    """As it is said on the telephone, where the appointment is."""
    local = instant.astimezone(load_zone(zone))
    return f"{local:%A}, {local:%B} {local.day} at {local:%H:%M}"


def offered(message: str, instants: Sequence[datetime], zone: str) -> dict[str, Any]:
    """No, and what there is instead."""
    if not instants:
        return no(f"{message}. There is nothing free at all.", alternatives=[])
    said = "; ".join(spoken(instant, zone) for instant in instants)
    local = [instant.astimezone(load_zone(zone)).isoformat() for instant in instants]
    return no(f"{message}. Free are: {said}.", alternatives=local)
