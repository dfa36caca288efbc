"""BuildVoiceAI's words in ours; the data is in status.json."""

from __future__ import annotations

from pathlib import Path

from outdial.providers.reports.status_map import load_maps

_MAPS = load_maps(Path(__file__).with_name("status.json"))

EVENT = _MAPS["event"]
STATUS = _MAPS["status"]
ERROR = _MAPS["error"]
