"""The counts that are kept of recipients and calls, and what they count."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import RowMapping, func, select
from sqlmodel import Session

from outdial.store.db.tables import call, progress_count, recipient

Key = tuple[Any, ...]
"""Campaign, launch, subject, value, detail."""


def kept_counts(s: Session) -> Counter[Key]:
    """By key, whatever is not zero."""
    key = [each for each in progress_count.c if each.name not in ("shard", "total")]
    rows = s.connection().execute(select(*key, func.sum(progress_count.c.total)).group_by(*key))
    return Counter({tuple(row[:-1]): int(row[-1]) for row in rows if row[-1]})


def real_counts(s: Session) -> Counter[Key]:
    """As they are counted now, row by row."""
    people = s.connection().execute(select(recipient)).mappings()
    calls = s.connection().execute(select(call)).mappings()
    return Counter([*map(key_of_recipient, people), *map(key_of_call, calls)])


def key_of_recipient(row: RowMapping) -> Key:
    outcome = (row["outcome"] or "") if row["state"] == "done" else ""
    return row["campaign_id"], row["launch"], "recipient", row["state"], outcome


def key_of_call(row: RowMapping) -> Key:
    attempt = "attempt" if row["is_attempt"] else ""
    return row["campaign_id"], row["launch"], "call", row["status"], attempt
