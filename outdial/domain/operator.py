"""The operator log: what people do to an installation, and through which door."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from outdial.domain.hash_links import Fault, check_links

LONGEST_AUTHOR = 250
COMMAND_LINE = "cli"
CONSOLE = "console"
TEMPORAL = "temporal"


class Operator(BaseModel):
    """Who does something, and through which door."""

    model_config = ConfigDict(frozen=True)

    door: str
    """`cli`, `console`, an API such as `v1`, or `temporal`: a message to a workflow."""
    author: str | None = None
    """A local user or a key by its name, such as `user ana` or `key reports`, if it is known."""
    key_id: str | None = None
    """The id of the key, whose name may change."""


THROUGH_TEMPORAL = Operator(door=TEMPORAL)
"""Somebody who sends a message to a workflow, or cancels it: Temporal names nobody."""


class Action(StrEnum):
    """What is done."""

    LAUNCH = "launch"
    ADD = "add"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    APPLY = "apply"
    ROLL_BACK = "roll_back"
    BEGIN_CANARY = "begin_canary"
    SCHEDULE = "schedule"
    UNSCHEDULE = "unschedule"
    BLOCK = "block"
    UNBLOCK = "unblock"
    REPLACE = "replace"
    SUPPRESS = "suppress"
    LIFT = "lift"
    CREATE = "create"
    CHANGE = "change"
    ROTATE = "rotate"
    ENABLE = "enable"
    DISABLE = "disable"
    REVOKE = "revoke"
    REMOVE = "remove"
    REDELIVER = "redeliver"
    RETRY = "retry"


RULES = "rules"
SUPPRESSIONS = "suppressions"
"""Subjects of which a tenant has one. A number is no subject: the log would keep it for ever."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that an operator does."""

    action: Action
    subject: str
    """What it is done to, such as `campaign/spring` or `key/1f3c`."""
    reason: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    """What else there is to know of it: counts and names, and nobody's number."""


class LogEntry(BaseModel):
    """An operation as the log keeps it."""

    model_config = ConfigDict(frozen=True)

    sequence: int
    """1 for the tenant's first."""
    at: datetime
    door: str
    """The way it came: `cli`, `console`, an API such as `v1`, or `temporal`."""
    author: str | None
    """A local user or a key by its name; null if it is not known."""
    key_id: str | None
    action: Action
    subject: str
    """What it was done to, such as `campaign/spring` or `key/1f3c`."""
    reason: str | None
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as it was hashed; `body` is the text."""

    sequence: int
    tenant: str
    subject: str
    body: str
    hash: str

    def read(self) -> LogEntry:
        values = json.loads(self.body)
        return LogEntry(sequence=self.sequence, **values)


def body_values(
    tenant: str, by: Operator, operation: Operation, *, now: datetime
) -> dict[str, Any]:
    """What is hashed of an entry. The tenant is in it, so that no entry fits another's log."""
    return by.model_dump() | {
        "tenant": tenant,
        "at": now.isoformat(),
        "action": operation.action.value,
        "subject": operation.subject,
        "reason": operation.reason,
        "details": operation.details,
    }


def check_entries(entries: Iterable[StoredEntry]) -> tuple[str, int, list[Fault]]:
    """The hash and number of the last entry, and everything that is wrong with them."""
    return check_links(entries, "entry", "entries", _contradiction)


def _contradiction(entry: StoredEntry) -> str | None:
    values = json.loads(entry.body)
    if (values.get("tenant"), values.get("subject")) != (entry.tenant, entry.subject):
        return "it names another tenant or subject"
    return None
