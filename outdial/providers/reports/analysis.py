"""Reads the results that an agent extracted from a conversation.

An agent is configured to extract `disposition` (a word) and `call_at` (when to call again: ISO 8601
with a zone, or without one by the clock of the person called); all else is passed on as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from outdial.domain.appointment.requested_time import UnclearTime, parse_time

DISPOSITION = "disposition"
CALL_AT = "call_at"


def disposition_in(structured: Mapping[str, Any]) -> str | None:
    """The agent's word for how the talk went; None for anything but a word."""
    value = structured.get(DISPOSITION)
    return value.strip() if isinstance(value, str) and value.strip() else None


def redial_time_in(structured: Mapping[str, Any]) -> datetime | None:
    """When to call again, in UTC, or without a zone as it was said; None for what is no time."""
    read = parse_time(structured.get(CALL_AT))
    return None if isinstance(read, UnclearTime) else read
