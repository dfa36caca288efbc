"""Earlier calls of a campaign, written by the database from a series of numbers.

Each has its recipient, two events that were signalled, a receipt and a delivered webhook. Indexes,
triggers and foreign keys are as in production while they are written.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, text
from sqlmodel import Session

from outdial.domain.record import DEFAULT_TENANT, CampaignRecord
from outdial.store.db.dialect import on_postgresql
from outdial.store.db.tables import endpoint
from tests.builders import LINE, ZONE, zones

_ENDPOINT = {
    "id": "endpoint", "tenant": DEFAULT_TENANT, "kind": "tenant", "url": "https://example.com/",
    "events": ["*"], "scheme": "standard", "secret": "s", "state": "enabled", "metadata": {},
    "version": 1,
}  # fmt: skip
"""What the webhooks were delivered to."""
SPACING = 60
"""Seconds between two of them."""


def add_earlier_calls(s: Session, campaign: CampaignRecord, calls: int, now: datetime) -> None:
    """Add so many calls that have ended, the n-th of them `n` minutes ago."""
    at = _at(s, now)
    if not on_postgresql(s):
        s.connection().exec_driver_sql("PRAGMA cache_size = -200000")
    s.connection().execute(
        insert(endpoint).values({**_ENDPOINT, "created_at": now, "updated_at": now})
    )
    event = _event(at)
    for table, values in (
        ("recipient", _recipient(campaign, at)),
        ("call", _call(campaign, at)),
        ("event", event | {"event_id": "'first-' || n"}),
        ("event", event | {"event_id": "'second-' || n"}),
        ("receipt", _receipt(campaign, at)),
        ("delivery", _delivery(at)),
    ):
        _insert(s, table, values, calls)
    if on_postgresql(s):
        s.connection().execute(
            text("SELECT setval(pg_get_serial_sequence('recipient', 'id'), :last)"), {"last": calls}
        )
    else:
        s.connection().exec_driver_sql("PRAGMA cache_size = -2000")


def _same(campaign: CampaignRecord) -> dict[str, str]:
    return {
        "campaign_id": str(campaign.id),
        "launch": str(campaign.launch),
        "line": f"'{LINE}'",
        "phone": "'+1212' || (5550000 + n)",
    }


def _recipient(campaign: CampaignRecord, at: str) -> dict[str, str]:
    return _same(campaign) | {
        "id": "n",
        "position": "n - 1",
        "alternate_phones": "'[]'",
        "zones": f"'{zones(ZONE).model_dump_json(exclude_none=True)}'",
        "variables": "'{}'",
        "line_marks": "'{}'",
        "state": "'done'",
        "outcome": "'completed'",
        "reason": "'completed'",
        "attempts": "1",
        "calls": "1",
        "due_at": at,
        "turn": "1",
        "withdrawn": "false",
    }


def _call(campaign: CampaignRecord, at: str) -> dict[str, str]:
    instants = ("created_at", "fenced_at", "placed_at", "ended_at", "settle_by", "settled_at")
    return (
        _same(campaign)
        | dict.fromkeys(instants, at)
        | {
            "id": "'earlier-' || n",
            "tenant": f"'{DEFAULT_TENANT}'",
            "campaign": f"'{campaign.name}'",
            "recipient_id": "n",
            "number": "1",
            "attempt": "1",
            "workflow_id": "'earlier-' || n",
            "claim_key": "'earlier/' || (n / 4)",
            "provider_call_id": "'provider-' || n",
            "ring_seconds": "30",
            "max_seconds": "600",
            "status": "'completed'",
            "outcome": "'completed'",
            "fence": "'placed'",
            "is_attempt": "true",
            "structured": "'{}'",
            "evidence": "'{}'",
        }
    )


def _event(at: str) -> dict[str, str]:
    return {
        "tenant": f"'{DEFAULT_TENANT}'",
        "call_id": "'earlier-' || n",
        "line": f"'{LINE}'",
        "provider_call_id": "'provider-' || n",
        "payload": "'{}'",
        "received_at": at,
        "signalled_at": at,
    }


def _receipt(campaign: CampaignRecord, at: str) -> dict[str, str]:
    return {
        "campaign_id": str(campaign.id),
        "sequence": "n",
        "call_id": "'earlier-' || n",
        "at": at,
        "body": "'{}'",
        "hash": "'x'",
    }


def _delivery(at: str) -> dict[str, str]:
    return {
        "tenant": f"'{DEFAULT_TENANT}'",
        "endpoint_id": "'endpoint'",
        "event_id": "'earlier-' || n",
        "type": "'call.completed'",
        "subject": "'call/earlier-' || n",
        "payload": "'{}'",
        "state": "'delivered'",
        "attempts": "1",
        "next_at": at,
        "created_at": at,
        "delivered_at": at,
    }


def _at(s: Session, now: datetime) -> str:
    """The instant of the n-th call."""
    ago = f"{int(now.timestamp())} - n * {SPACING}"
    if on_postgresql(s):
        return f"to_timestamp({ago})"
    return f"strftime('%Y-%m-%d %H\\:%M\\:%f000', {ago}, 'unixepoch')"


def _insert(s: Session, table: str, values: dict[str, str], rows: int) -> None:
    series = "generate_series(1, :rows) AS n"
    if not on_postgresql(s):
        series = (
            "(WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < :rows) "
            "SELECT n FROM i)"
        )
    names, given = ", ".join(f'"{name}"' for name in values), ", ".join(values.values())
    statement = f'INSERT INTO "{table}" ({names}) SELECT {given} FROM {series}'
    s.connection().execute(text(statement), {"rows": rows})
