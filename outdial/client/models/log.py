"""Models of the API: log. Written by `make openapi`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

OperatorAction = (
    Literal[
        "launch",
        "add",
        "pause",
        "resume",
        "stop",
        "apply",
        "roll_back",
        "begin_canary",
        "schedule",
        "unschedule",
        "block",
        "unblock",
        "replace",
        "suppress",
        "lift",
        "create",
        "change",
        "rotate",
        "enable",
        "disable",
        "revoke",
        "remove",
        "redeliver",
        "retry",
    ]
    | str
)
"""What is done."""


class LogEntry(BaseModel):
    """An operation as the log keeps it."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    sequence: int
    at: datetime
    door: str
    author: str | None
    key_id: str | None
    action: OperatorAction
    subject: str
    reason: str | None
    details: dict[str, Any]


class LogEntryPage(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    items: list[LogEntry]
    next_cursor: str | None = None
