"""Webhooks: how late providers report, and how ours are delivered."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

_LAG = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0, 86_400.0)

REPORT_LAG = Histogram(
    "outdial_report_lag_seconds",
    "Time from an event of a call, by the provider's clock, until its webhook was stored.",
    ["line"],
    buckets=_LAG,
)
REPORTS_REFUSED = Counter(
    "outdial_reports_refused",
    "Webhooks of providers that were refused: unsigned, signed with another secret, or unreadable.",
    ["line"],
)
DELIVERY_LAG = Histogram(
    "outdial_delivery_lag_seconds",
    "Time from an event until the customer's endpoint accepted it.",
    buckets=_LAG,
)
DELIVERY_SECONDS = Histogram(
    "outdial_delivery_request_duration_seconds",
    "Requests to customers' endpoints: delivered, refused (another status than 2xx) or unanswered.",
    ["result"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
