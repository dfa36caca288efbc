"""What ElevenLabs' words mean; the words stand in status.json."""

from __future__ import annotations

from pathlib import Path

from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.providers.reports.sip import block_or_refusal, meaning_of_response
from outdial.providers.reports.status_map import Meaning, load_maps

_MAPS = load_maps(Path(__file__).with_name("status.json"))

_NOBODY_KNOWS = "unknown"


def status_of(word: str | None) -> Meaning:
    """A conversation status."""
    return _MAPS["conversation_status"].meaning_of(word)


def result_of(word: str | None) -> Meaning:
    """A call_result: how the telephone call went, which the conversation's status does not say."""
    return _MAPS["call_result"].meaning_of(word)


def answered_by(word: str | None) -> AnsweredBy | None:
    """The verdict of an answering machine detection."""
    return _MAPS["answered_by"].meaning_of(word).answered_by


def failure_to_start(
    reason: str | None, leg_status: str | None, sip: str | None = None, phrase: str | None = None
) -> Meaning:
    """A failure_reason; where it is `unknown`, the telephone leg may know more.

    The leg of a SIP trunk has its final response alone, and says by it who refused the call.
    """
    told = block_or_refusal(sip, phrase)
    if told is not None:
        return told
    if reason in (None, _NOBODY_KNOWS) and leg_status is None and sip is not None:
        return meaning_of_response(sip, phrase)
    if reason in (None, _NOBODY_KNOWS) and leg_status is not None:
        known = _MAPS["leg_status"].meaning_of(leg_status)
        if known.status is CallStatus.FAILED:
            refined = _MAPS["leg_sip_code"].rows.get(sip or "", Meaning()).failure
            return known.model_copy(update={"failure": refined or known.failure})
        if known.status is not None:
            return known
    return _MAPS["failure_reason"].meaning_of(reason or _NOBODY_KNOWS)


def failure_of(code: str | None) -> FailureClass | None:
    """The class of an error code; None for one that says nothing more than the HTTP status."""
    return _MAPS["error_code"].meaning_of(code).failure
