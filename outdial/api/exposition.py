"""Gauges of the installation in the text format of Prometheus, behind what this process counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import CallStatus
from outdial.services.operations.gauges import Gauges
from outdial.services.operations.line_view import LineState, line_state
from outdial.store.gauges import StoreGauges

# They would be one more series for each, which no alert and no panel reads.
disable_created_metrics()  # type: ignore[no-untyped-call]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def write_metrics(gauges: Gauges) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Gauges(gauges))
    return generate_latest(REGISTRY) + generate_latest(registry)


class _Gauges(Collector):
    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        gauges = self._gauges
        yield _one(
            "database_up",
            "1 if the database answered in time; without it, what is read there is left out.",
            float(gauges.store is not None),
        )
        yield _one("temporal_up", "1 if Temporal answered in time.", float(gauges.temporal_up))
        yield _seconds(
            "gauges_read_duration_seconds",
            "Time that the database took for the gauges below.",
            gauges.took,
        )
        if gauges.store is not None:
            yield from _of_lines(gauges.store)
            yield from _of_campaigns(gauges.store)
            yield from _of_webhooks(gauges.store)


def _of_lines(store: StoreGauges) -> Iterator[Metric]:
    names = [line.name for line in store.lines]
    yield _many(
        "line_state",
        "1 for the state that a line is in: in_service, resting or trying.",
        ("line", "state"),
        {
            (line.name, state.value): float(line_state(line.circuit) is state)
            for line in store.lines
            for state in LineState
        },
    )
    yield _many(
        "line_held",
        "1 in the minute after a provider refused a call for its credentials or settings.",
        ("line",),
        {(line.name,): float(line.held) for line in store.lines},
    )
    yield _many(
        "line_slots",
        "Calls that a line takes at the same time.",
        ("line",),
        {(line.name,): float(line.max_concurrent) for line in store.lines},
    )
    in_flight: dict[tuple[str, ...], float] = {
        (name, status.value, CampaignState.RUNNING.value): 0.0
        for name in names
        for status in CallStatus
        if not status.terminal
    }
    in_flight.update((key, float(count)) for key, count in store.in_flight.items())
    yield _many(
        "calls_in_flight",
        "Calls that hold a slot of their line.",
        ("line", "status", "campaign_state"),
        in_flight,
    )
    yield _seconds(
        "oldest_lease_age_seconds",
        "Age of the slot that has been held for the longest.",
        store.oldest_lease,
    )
    yield _seconds(
        "lease_overdue_seconds",
        "Time since a call that holds a slot must have ended, as its longest duration has passed.",
        store.overdue_lease,
    )


def _of_campaigns(store: StoreGauges) -> Iterator[Metric]:
    yield _many(
        "campaigns",
        "Open campaigns; in each state 1,000 are counted at most.",
        ("state",),
        {(state.value,): float(count) for state, count in store.campaigns.items()},
    )
    yield _seconds(
        "claim_overdue_seconds",
        "Time since a running campaign was to look for work again and has not.",
        store.overdue_claim,
    )
    yield _one(
        "budgets_exhausted",
        "Running campaigns whose budget admits no more calls, in this launch or today.",
        float(store.budgets_spent),
    )
    if store.budget_left is not None:
        yield _one(
            "budget_left_ratio",
            "The smallest share that is left of the budget of a running campaign.",
            store.budget_left,
        )


def _of_webhooks(store: StoreGauges) -> Iterator[Metric]:
    yield _seconds(
        "unsignalled_report_age_seconds",
        "Age of the oldest report of a call that has not been passed on to its workflow.",
        store.unsignalled,
    )
    yield _seconds(
        "outbox_oldest_age_seconds",
        "Age of the oldest event that an enabled endpoint has not accepted yet.",
        store.outbox_oldest,
    )
    yield _seconds(
        "outbox_overdue_seconds",
        "Time for which an event that is due has not been sent.",
        store.outbox_overdue,
    )
    yield _one(
        "endpoints_failing",
        "Enabled endpoints with something pending that failed last.",
        float(store.endpoints_failing),
    )
    yield _seconds(
        "endpoint_failing_age_seconds",
        "Time for which such an endpoint has failed; of the one that has for the longest.",
        store.failing_longest,
    )


def _one(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"outdial_{name}", text, value=value)


def _seconds(name: str, text: str, value: timedelta) -> Metric:
    return _one(name, text, value.total_seconds())


def _many(
    name: str, text: str, labels: Iterable[str], values: Mapping[tuple[str, ...], float]
) -> Metric:
    family = GaugeMetricFamily(f"outdial_{name}", text, labels=list(labels))
    for key, value in values.items():
        family.add_metric(list(key), value)
    return family
