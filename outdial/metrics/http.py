"""Requests to the API, by route."""

from __future__ import annotations

from prometheus_client import Histogram

REQUEST_SECONDS = Histogram(
    "outdial_http_request_duration_seconds",
    "Time until the answer to a request was complete. The route is its template, never its path;"
    " `unmatched` for a path that is none of the API's.",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
