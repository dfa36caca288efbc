"""What LiveKit's words mean; the words stand in status.json."""

from __future__ import annotations

from pathlib import Path

from outdial.domain.call.status import CallStatus
from outdial.providers.reports.sip import block_or_refusal
from outdial.providers.reports.status_map import Meaning, load_maps

_MAPS = load_maps(Path(__file__).with_name("status.json"))

_BEFORE_THE_ANSWER = frozenset({CallStatus.QUEUED, CallStatus.RINGING})


def status_of(word: str | None) -> Meaning:
    """A participant's sip.callStatus."""
    return _MAPS["sip_call_status"].meaning_of(word)


def ending_of(reason: str, word: str | None) -> Meaning:
    """A disconnectReason, refined by the last sip.callStatus.

    Who was talking when we hung up had completed the call; whose phone only rang had not.
    """
    meaning, last = _MAPS["disconnect_reason"].meaning_of(reason), status_of(word).status
    if last is CallStatus.IN_PROGRESS:
        # Somebody had answered, whatever ended it.
        return meaning.model_copy(update={"answered": True})
    if meaning.status is CallStatus.COMPLETED and last in _BEFORE_THE_ANSWER:
        return Meaning(status=CallStatus.CANCELED)
    return meaning


def answer_of(sip_status_code: str, phrase: str | None = None) -> Meaning:
    """The SIP response that a dial ended with."""
    told = block_or_refusal(sip_status_code, phrase)
    if told is not None:
        return told
    return _MAPS["sip_status_code"].meaning_of(sip_status_code)


def error_of(twirp_code: str | None) -> Meaning:
    """A Twirp error code that came without a SIP response."""
    return _MAPS["twirp_code"].rows.get(twirp_code or "", Meaning())
