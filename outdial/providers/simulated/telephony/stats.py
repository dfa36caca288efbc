"""What the network has seen, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from outdial.providers.simulated.telephony.faults import FaultPlan, RequestFault
from outdial.providers.simulated.telephony.network import Network


@dataclass(slots=True)
class WebhookCounts:
    """Events and the requests that carried them."""

    events: int = 0
    """Events that had somewhere to go."""
    sent: int = 0
    """Requests sent, retries and repetitions included."""
    delivered: int = 0
    """Answered with 2xx."""
    retried: int = 0
    failed: int = 0
    """Given up after the last retry."""
    lost: int = 0
    repeated: int = 0
    reordered: int = 0
    silenced: int = 0
    """Never sent, because their call is silent."""
    pending: int = 0
    """Waiting to be delivered, or held back."""


@dataclass(slots=True)
class Counts:
    creates: int = 0
    """Requests to create a call, whatever came of them."""
    refused: Counter[str] = field(default_factory=Counter)
    """Creates refused for a reason, by its code."""
    throttled: int = 0
    """Requests answered 429, injected or not."""
    faults: Counter[RequestFault] = field(default_factory=Counter)
    """Injected faults of requests."""
    webhooks: WebhookCounts = field(default_factory=WebhookCounts)


def stats_of(counts: Counts, network: Network, plan: FaultPlan) -> dict[str, Any]:
    """Everything counted, for `GET /sim/stats`."""
    made = {our_id: len(calls) for our_id, calls in network.by_our_id.items()}
    duplicates = {our_id: number for our_id, number in made.items() if number > 1}
    dropped = (RequestFault.DROP_REQUEST, RequestFault.DROP_RESPONSE)
    return {
        "creates": counts.creates,
        "accepted": len(network.calls),
        "refused": dict(counts.refused),
        "throttled": counts.throttled,
        "faults": dict(counts.faults),
        "dropped_responses": sum(counts.faults[fault] for fault in dropped),
        "duplicates": duplicates,
        "open": network.history.open,
        "peak_open": network.history.peak,
        "peak_open_per_number": network.peak_open_per_number,
        "by_outcome": dict(network.results),
        "by_behaviour": dict(Counter(call.behaviour for call in network.calls.values())),
        "webhooks": asdict(counts.webhooks),
        "planned_faults_left": len(plan.settings.next) + len(plan.settings.next_webhooks),
    }
