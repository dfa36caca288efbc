"""What Retell's words mean; the words stand in status.json."""

from __future__ import annotations

from pathlib import Path

from outdial.domain.call.status import CallStatus
from outdial.providers.reports.status_map import Meaning, load_maps

_MAPS = load_maps(Path(__file__).with_name("status.json"))

_STOPPED_BY_US = "manual_stopped"


def status_of(word: str | None, reason: str | None, *, talked: bool) -> Meaning:
    """A call_status; how a call ended is refined by its disconnection_reason.

    `talked` is whether it lasted: stopped by us then, it was completed.
    """
    meaning = _MAPS["call_status"].meaning_of(word)
    if reason is None or (meaning.status is not None and not meaning.status.terminal):
        return meaning
    if reason == _STOPPED_BY_US and talked:
        return Meaning(status=CallStatus.COMPLETED)
    return _MAPS["disconnection_reason"].meaning_of(reason)
