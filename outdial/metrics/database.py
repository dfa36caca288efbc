"""Transactions of this process."""

from __future__ import annotations

from datetime import timedelta

from prometheus_client import Histogram

TRANSACTION_SECONDS = Histogram(
    "outdial_database_transaction_duration_seconds",
    "Time of transactions that read or write, the wait for a connection and repeated tries"
    " included. The result is ok, unavailable (the database can't be used now) or error.",
    ["kind", "result"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)


def observe_transaction(kind: str, took: timedelta, result: str) -> None:
    TRANSACTION_SECONDS.labels(kind, result).observe(took.total_seconds())
