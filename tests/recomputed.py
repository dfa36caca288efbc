"""The figures of a report, computed once more: from all raw rows at once, in plain Python."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytz
from sqlalchemy import select
from sqlmodel import Session

from outdial.store.db.tables import (
    appointment,
    budget_hold,
    call,
    callback_entry,
    campaign_revision,
    receipt,
    recipient,
)

Raw = Mapping[str, Any]
_NOT_RIGHT = {
    "opted_out", "do_not_call", "declined", "not_interested", "call_me_later", "call_back_later",
    "not_available", "left_message", "wrong_number", "wrong_person", "hung_up",
    "language_barrier", "no_decision", "unknown",
}  # fmt: skip


class Rows:
    """Every row of a launch."""

    def __init__(self, s: Session, campaign_id: int, launch: int) -> None:
        def of(table: Any, *where: Any) -> list[Raw]:
            rows = s.connection().execute(select(table).where(*where)).mappings()
            return [dict(row) for row in rows]

        self.people = of(
            recipient, recipient.c.campaign_id == campaign_id, recipient.c.launch == launch
        )
        self.calls = of(call, call.c.campaign_id == campaign_id, call.c.launch == launch)
        ids = {row["id"] for row in self.calls}
        self.entries = [row for row in of(callback_entry) if row["call_id"] in ids]
        self.appointments = [row for row in of(appointment) if row["call_id"] in ids]
        self.computed = {row["call_id"]: row["cost"] for row in of(budget_hold)}
        every = of(receipt, receipt.c.campaign_id == campaign_id)
        self.receipts = [row for row in every if row["call_id"] in ids]
        self.last = max(every, key=lambda row: row["sequence"], default=None)
        self.revisions = of(
            campaign_revision,
            campaign_revision.c.campaign_id == campaign_id,
            campaign_revision.c.launch == launch,
        )
        self.zone_of = {
            row["id"]: json.loads(row["zones"])["candidates"][0] if row["zones"] else None
            for row in self.people
        }


def figures(rows: Rows) -> dict[str, Any]:
    """Named as the report names them, where it has one figure for each."""
    attempts = [one for one in rows.calls if one["is_attempt"]]
    live = [one for one in attempts if _by_person(one)]
    by_recipient: dict[int, list[Raw]] = {row["id"]: [] for row in rows.people}
    for one in rows.calls:
        by_recipient[one["recipient_id"]].append(one)
    refused = [
        row
        for row in rows.people
        if row["state"] == "done" and not by_recipient[row["id"]] and row["outcome"] != "canceled"
    ]
    return {
        "enrolled": len(rows.people),
        "callable": len(rows.people) - len(refused),
        "attempted": _people(attempts),
        "answered_by_person": _people(live),
        "right_outcome": _people(one for one in live if _right(one)),
        "attempts": len(attempts),
        "live": len(live),
        "dialed": sum(one["fenced_at"] is not None for one in rows.calls),
        "voicemail": sum(_answered(one) and one["answered_by"] == "machine" for one in attempts),
        "screened": sum(_answered(one) and one["answered_by"] == "screener" for one in attempts),
        "unanswered": Counter(one["status"] for one in attempts if not _answered(one)),
        "heat": Counter(_cell(rows, one) for one in attempts),
        "heat_live": Counter(_cell(rows, one) for one in live),
        "zone": _groups(rows, lambda one: rows.zone_of[one["recipient_id"]] or "unknown"),
        "line": _groups(rows, lambda one: one["line"]),
        "agent": _groups(rows, lambda one: one["agent"]),
        "caller_id": _groups(rows, lambda one: one["caller_id"] or "the line's own"),
        "revision": _groups(rows, lambda one: _revision(rows, one)),
        "calls_by_outcome": Counter(
            one["outcome"] or "unsettled" for one in rows.calls if _over(one)
        ),
        "people_by_outcome": Counter(
            row["outcome"] or "unsettled" for row in rows.people if row["state"] == "done"
        ),
        "talk": [
            round(one["duration_seconds"]) for one in live if one["duration_seconds"] is not None
        ],
        "millionths": sum(_millionths(rows, one) for one in rows.calls),
        "computed": sum(_millionths(rows, one) for one in rows.calls if one["cost"] is None),
        "waiting": Counter(
            (row["state"], _head(row["reason"]) if row["state"] == "waiting" else None)
            for row in rows.people
            if row["state"] != "done"
        ),
        "callbacks": Counter((row["kind"], row["state"]) for row in rows.entries),
        "bookings": Counter(row["status"] for row in rows.appointments),
        "rules": Counter(
            rule for row in rows.receipts for rule in json.loads(row["body"])["rules"]
        ),
        "receipts": len(rows.receipts),
        "without_receipt": sum(
            one["fenced_at"] is not None
            and one["id"] not in {row["call_id"] for row in rows.receipts}
            for one in rows.calls
        ),
        "head": None if rows.last is None else f"{rows.last['sequence']}:{rows.last['hash']}",
        "refusals": Counter((row["outcome"], _head(row["reason"]) or "") for row in refused),
    }


def _people(calls: Iterable[Raw]) -> int:
    return len({one["recipient_id"] for one in calls})


def _answered(one: Raw) -> bool:
    return one["status"] == "completed" or one["answered_at"] is not None


def _by_person(one: Raw) -> bool:
    return _answered(one) and one["answered_by"] in (None, "human", "unknown")


def _right(one: Raw) -> bool:
    return (
        one["status"] == "completed" and bool(one["outcome"]) and one["outcome"] not in _NOT_RIGHT
    )


def _over(one: Raw) -> bool:
    return one["status"] not in ("queued", "ringing", "in_progress")


def _cell(rows: Rows, one: Raw) -> tuple[int, int]:
    zone = pytz.timezone(str(rows.zone_of[one["recipient_id"]]))
    at = (one["placed_at"] or one["created_at"]).astimezone(zone)
    return min(one["attempt"], 10), at.hour


def _revision(rows: Rows, one: Raw) -> str:
    if "revision" in one["evidence"]:
        return str(one["evidence"]["revision"])
    before = [row["revision"] for row in rows.revisions if row["created_at"] <= one["created_at"]]
    return str(max(before, default=min(row["revision"] for row in rows.revisions)))


def _groups(rows: Rows, name_of: Any) -> dict[str, tuple[Any, ...]]:
    """Attempts, those that a person answered, right ones, seconds of talk, and outcomes."""
    groups: dict[str, list[Raw]] = {}
    for one in rows.calls:
        groups.setdefault(name_of(one), []).append(one)
    return {name: _group(rows, calls) for name, calls in groups.items()}


def _group(rows: Rows, calls: Sequence[Raw]) -> tuple[Any, ...]:
    attempts = [one for one in calls if one["is_attempt"]]
    live = [one for one in attempts if _by_person(one)]
    return (
        len(attempts),
        len(live),
        sum(map(_right, live)),
        sum(round(one["duration_seconds"] or 0) for one in live),
        Counter(one["outcome"] or "unsettled" for one in attempts),
        sum(_millionths(rows, one) for one in calls),
    )


def _millionths(rows: Rows, one: Raw) -> int:
    if one["cost"] is None:
        return int(rows.computed.get(one["id"]) or 0)
    cost: float = one["cost"]
    return round(cost * 1_000_000)


def _head(reason: str | None) -> str | None:
    return None if reason is None else reason.split(";")[0] or None


def nearest_rank(values: Sequence[int], share: float) -> int | None:
    if not values:
        return None
    return sorted(values)[max(1, math.ceil(share * len(values))) - 1]
