"""What an agent extracted from a talk, under the names we ask for.

An agent is told to extract `disposition` (a word) and `call_at` (ISO 8601 with a zone: when to
call again); all else is passed on as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

DISPOSITION = "disposition"
CALL_AT = "call_at"


def disposition_in(structured: Mapping[str, Any]) -> str | None:
    """The agent's word for how the talk went; None for anything but a word."""
    value = structured.get(DISPOSITION)
    return value.strip() if isinstance(value, str) and value.strip() else None


def call_back_in(structured: Mapping[str, Any]) -> datetime | None:
    """When to call again; None for what the agent got wrong, such as a time without a zone."""
    value = structured.get(CALL_AT)
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.astimezone(UTC) if parsed.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
