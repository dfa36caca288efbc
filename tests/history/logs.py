"""Fills the operator log of a tenant."""

from __future__ import annotations

from outdial.domain.record import DEFAULT_TENANT
from outdial.store.db.tables import operator_log
from tests.history.series import Fill


def fill_log(fill: Fill) -> None:
    """Entries about fifty campaigns in turn."""
    body = """'{"door":"cli","author":null,"key_id":null,"action":"pause","reason":null,'"""
    body += """ || '"subject":"campaign/history-' || (n % 50) || '","details":{},'"""
    body += """ || '"at":"2026-01-01T00:00:00Z"}'"""
    fill.insert(
        operator_log,
        {
            "tenant": f"'{DEFAULT_TENANT}'",
            "sequence": "n",
            "subject": "'campaign/history-' || (n % 50)",
            "body": body,
        },
    )
