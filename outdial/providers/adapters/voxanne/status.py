"""Voxanne's words in ours; the data is in status.json and dispositions.json."""

from __future__ import annotations

import json
from pathlib import Path

from outdial.providers.reports.status_map import load_maps

_MAPS = load_maps(Path(__file__).with_name("status.json"))

EVENT = _MAPS["event"]
STATUS = _MAPS["status"]
ENDED_REASON = _MAPS["ended_reason"]
OUTCOME = _MAPS["outcome"]

DISPOSITIONS: dict[str, str] = json.loads(
    Path(__file__).with_name("dispositions.json").read_text(encoding="utf-8")
)
"""How the agent judged the call, by the outcome; other outcomes only say how the call ended."""
