"""The Grafana dashboard of these metrics. It is kept as Grafana reads it:
`python -m outdial.metrics.dashboard > deploy/monitoring/grafana/outdial.json`.

That file is not edited by hand: a test compares it with what this module writes.
"""

from __future__ import annotations

import json
import sys
from typing import Any, NamedTuple

SOURCE = {"type": "prometheus", "uid": "outdial-prometheus"}
WIDTH, HEIGHT, COLUMNS = 8, 7, 3
_RATE = "$__rate_interval"


class Query(NamedTuple):
    expr: str
    legend: str = ""


class Panel(NamedTuple):
    title: str
    unit: str
    queries: list[Query]
    text: str = ""


def rate(counter: str, by: str, labels: str = "") -> Query:
    legend = " ".join(f"{{{{{label.strip()}}}}}" for label in by.split(","))
    return Query(f"sum by ({by}) (rate({counter}{labels}[{_RATE}]))", legend)


def quantiles(histogram: str, by: str = "", labels: str = "") -> list[Query]:
    """The median and the 95th percentile."""
    keys = f"le, {by}" if by else "le"
    which = f" {{{{{by}}}}}" if by else ""
    return [
        Query(
            f"histogram_quantile({share}, sum by ({keys}) "
            f"(rate({histogram}_bucket{labels}[{_RATE}])))",
            f"{name}{which}",
        )
        for share, name in ((0.5, "median"), (0.95, "95 %"))
    ]


def gauge(name: str, legend: str, by: str = "") -> Query:
    return Query(f"max by ({by}) ({name})" if by else f"max({name})", legend)


ROWS: dict[str, list[Panel]] = {
    "Now": [
        Panel(
            "Up",
            "short",
            [
                Query('sum(up{job="outdial-api"})', "API processes"),
                Query('sum(up{job="outdial-worker"})', "workers"),
                gauge("outdial_database_up", "database"),
                gauge("outdial_temporal_up", "Temporal"),
            ],
        ),
        Panel("Open campaigns", "short", [gauge("outdial_campaigns", "{{state}}", "state")]),
        Panel(
            "Calls in flight",
            "short",
            [
                Query("sum by (status) (max by (line, status, campaign_state) "
                      "(outdial_calls_in_flight))", "{{status}}"),
                Query("sum(max by (line) (outdial_line_slots))", "slots"),
            ],
        ),
        Panel(
            "Late",
            "s",
            [
                gauge("outdial_claim_overdue_seconds", "claims overdue"),
                gauge("outdial_lease_overdue_seconds", "slots overdue"),
                gauge("outdial_outbox_overdue_seconds", "webhooks overdue"),
                gauge("outdial_unsignalled_report_age_seconds", "reports not passed on"),
            ],
        ),
        Panel(
            "Budgets",
            "percentunit",
            [gauge("outdial_budget_left_ratio", "smallest share left")],
        ),
        Panel(
            "Alerts",
            "short",
            [Query('sum by (alertname) (ALERTS{alertname=~"Outdial.+", alertstate="firing"})',
                   "{{alertname}}")],
        ),
    ],
    "Calls": [
        Panel("Calls ended", "cps", [rate("outdial_calls_ended_total", "status")]),
        Panel("Calls placed, by line", "cps",
              [rate("outdial_placements_total", "line", '{result="placed"}')]),
        Panel("Results of placing", "cps", [rate("outdial_placements_total", "result")]),
        Panel("Lateness of a dial", "s", quantiles("outdial_dial_lateness_seconds"),
              "From the instant for which a recipient was due until the provider took the call."),
        Panel("Refill of a slot", "s", quantiles("outdial_slot_refill_seconds", "line")),
        Panel("Wait at the fence", "s", quantiles("outdial_fence_wait_seconds", "line")),
        Panel("Decisions", "cps", [rate("outdial_decisions_total", "decision, reason")]),
        Panel("Claims", "s", quantiles("outdial_claim_duration_seconds")),
        Panel("Opt-out to silence", "s", quantiles("outdial_opt_out_to_silence_seconds")),
    ],
    "Lines and providers": [
        Panel(
            "Lines out of service or held",
            "short",
            [
                Query('max by (line) (outdial_line_state{state!="in_service"}) > 0',
                      "{{line}} out of service"),
                Query("max by (line) (outdial_line_held) > 0", "{{line}} held"),
            ],
        ),
        Panel("Requests to dial", "s",
              quantiles("outdial_provider_request_duration_seconds", "line",
                        '{operation="place"}')),
        Panel("Failed requests", "reqps",
              [rate("outdial_provider_request_duration_seconds_count",
                    "line, operation, result", '{result!="ok"}')]),
        Panel("Lag of reports", "s", quantiles("outdial_report_lag_seconds", "line")),
        Panel("Refused reports", "reqps", [rate("outdial_reports_refused_total", "line")]),
        Panel(
            "Oldest slot",
            "s",
            [gauge("outdial_oldest_lease_age_seconds", "held for")],
        ),
    ],
    "Webhooks to customers": [
        Panel("Lag of deliveries", "s", quantiles("outdial_delivery_lag_seconds")),
        Panel("Requests", "reqps",
              [rate("outdial_delivery_request_duration_seconds_count", "result")]),
        Panel(
            "Failing endpoints",
            "short",
            [gauge("outdial_endpoints_failing", "endpoints"),
             Query("max(outdial_outbox_oldest_age_seconds) / 3600", "oldest event (hours)")],
        ),
    ],
    "API, database, Temporal": [
        Panel("Requests by route", "reqps",
              [rate("outdial_http_request_duration_seconds_count", "method, route")]),
        Panel("Slowest routes", "s",
              [Query("topk(5, histogram_quantile(0.95, sum by (le, route) "
                     f"(rate(outdial_http_request_duration_seconds_bucket[{_RATE}]))))",
                     "{{route}}")]),
        Panel("Errors", "reqps",
              [rate("outdial_http_request_duration_seconds_count", "status",
                    '{status=~"5..|429|aborted"}')]),
        Panel("Transactions", "s",
              quantiles("outdial_database_transaction_duration_seconds", "kind")),
        Panel("Transactions that failed", "cps",
              [rate("outdial_database_transaction_duration_seconds_count", "result",
                    '{result!="ok"}')]),
        Panel("Wait for a workflow task", "s",
              quantiles("temporal_workflow_task_schedule_to_start_latency_seconds")),
        Panel("Wait for an activity", "s",
              quantiles("temporal_activity_schedule_to_start_latency_seconds")),
        Panel("Requests to Temporal that failed", "reqps",
              [rate("temporal_request_failure_total", "operation")]),
        Panel("CPU and memory", "short",
              [Query(f"sum by (job) (rate(process_cpu_seconds_total[{_RATE}]))",
                     "{{job}}, cores"),
               Query("sum by (job) (process_resident_memory_bytes) / 1e9", "{{job}}, GB")]),
    ],
}  # fmt: skip


def dashboard() -> dict[str, Any]:
    panels: list[dict[str, Any]] = []
    top = 0
    for title, row in ROWS.items():
        panels.append(
            {
                "id": len(panels) + 1,
                "type": "row",
                "title": title,
                "collapsed": False,
                "gridPos": {"x": 0, "y": top, "w": WIDTH * COLUMNS, "h": 1},
                "panels": [],
            }
        )
        for place, panel in enumerate(row):
            x, y = place % COLUMNS * WIDTH, top + 1 + place // COLUMNS * HEIGHT
            panels.append(_panel(panel, len(panels) + 1, x, y))
        top += 1 + -(-len(row) // COLUMNS) * HEIGHT
    return {
        "uid": "outdial",
        "title": "Outdial",
        "tags": ["outdial"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": []},
        "annotations": {"list": []},
        "panels": panels,
    }


def _panel(panel: Panel, number: int, x: int, y: int) -> dict[str, Any]:
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.text,
        "datasource": SOURCE,
        "gridPos": {"x": x, "y": y, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, "custom": {"fillOpacity": 10}},
            "overrides": [],
        },
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": SOURCE,
                "expr": query.expr,
                "legendFormat": query.legend,
                "editorMode": "code",
                "range": True,
            }
            for index, query in enumerate(panel.queries)
        ],
    }


def text() -> str:
    return json.dumps(dashboard(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
