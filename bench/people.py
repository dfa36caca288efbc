"""Simulated people of a benchmark, and the result as the network counted it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

PEOPLE: dict[str, Any] = {
    "people": {
        "weights": {"answer": 1.0},
        "dial_seconds": [0.05, 0.1],
        "ring_seconds": [0.1, 0.2],
        "talk_seconds": [0.4, 0.8],
        "analysis_seconds": [0.05, 0.1],
    }
}
"""All answer and talk for half a second: the machine is the limit, not the people."""


@dataclass(frozen=True)
class CallsMade:
    """What the simulated network saw of a run."""

    calls: int
    seconds: float
    """From the first call made to the end of the last one."""

    @property
    def per_second(self) -> float:
        return self.calls / self.seconds


async def configure(network: str) -> None:
    async with httpx.AsyncClient(base_url=network) as http:
        (await http.put("/sim/config", json=PEOPLE)).raise_for_status()


async def calls_made(network: str) -> CallsMade:
    async with httpx.AsyncClient(base_url=network, timeout=30) as http:
        calls = (await http.get("/sim/calls")).raise_for_status().json()["calls"]
    starts = [datetime.fromisoformat(call["created_at"]) for call in calls]
    ends = [datetime.fromisoformat(call["ended_at"]) for call in calls]
    return CallsMade(len(calls), (max(ends) - min(starts)).total_seconds())
