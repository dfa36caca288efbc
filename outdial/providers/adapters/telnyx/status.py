"""What Telnyx's words mean; the words stand in status.json."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from outdial.domain.call.status import AnsweredBy, FailureClass
from outdial.providers.reports.payload import text_at
from outdial.providers.reports.sip import block_or_refusal
from outdial.providers.reports.status_map import Meaning, load_maps

_MAPS = load_maps(Path(__file__).with_name("status.json"))

HANGUP = "call.hangup"
_REJECTED = "call_rejected"
_CLEARED = "normal_clearing"
_NO_CAUSE = frozenset({_REJECTED, "unspecified"})
"""Causes that say less than a SIP response from the callee's side."""
_START_FAILED = "call.conversation.start_failed"


def status_of(event_type: str, reason: str | None = None) -> Meaning:
    """What an event says by its name; nothing for events we don't follow.

    Why an assistant was not started decides whether the line or Telnyx is at fault.
    """
    if event_type == _START_FAILED:
        return _MAPS["start_failed_reason"].meaning_of(reason or "")
    return _MAPS["event_type"].rows.get(event_type, Meaning())


def ending_of(payload: Mapping[str, Any]) -> Meaning:
    """How a call ended; why it was rejected is refined by the SIP code."""
    cause = text_at(payload, "hangup_cause")
    sip = text_at(payload, "sip_hangup_cause")
    told = block_or_refusal(sip)
    if told is not None and (cause in _NO_CAUSE or cause not in _MAPS["hangup_cause"].rows):
        return told
    if cause == _REJECTED and sip in _MAPS["rejected_sip_cause"].rows:
        return _MAPS["rejected_sip_cause"].rows[sip]
    if cause == _CLEARED and sip in _MAPS["cleared_sip_cause"].rows:
        return _MAPS["cleared_sip_cause"].rows[sip]
    if cause is None:
        return _MAPS["hangup_cause"].otherwise
    return _MAPS["hangup_cause"].meaning_of(cause)


def answered_by(event_type: str, result: str | None) -> AnsweredBy | None:
    """Who answered, by the result of a detection or of the wait for the end of a greeting."""
    name = "greeting_result" if event_type.endswith("greeting.ended") else "amd_result"
    return _MAPS[name].meaning_of(result).answered_by


def failure_of(http_status: int, code: str | None, pointer: str | None) -> FailureClass | None:
    """The class of an error: a code means another thing with another status or field."""
    rows = _MAPS["error_code"].rows
    for key in (f"{http_status} {code} {pointer}", f"{http_status} {code}"):
        if key in rows:
            return rows[key].failure
    return None
