"""What Twilio's words mean; the words stand in status.json."""

from __future__ import annotations

from pathlib import Path

from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.providers.reports.status_map import Meaning, load_maps

_MAPS = load_maps(Path(__file__).with_name("status.json"))


def status_of(word: str | None, *, error: str | None = None, sip: str | None = None) -> Meaning:
    """A CallStatus; why a call failed is refined by an error code, else by the SIP response."""
    meaning = _MAPS["call_status"].meaning_of(word)
    if meaning.status is not CallStatus.FAILED:
        return meaning
    told = _MAPS["sip_code"].meaning_of(sip)
    if told.failure is FailureClass.REFUSED:
        return meaning.model_copy(update={"failure": told.failure})
    refined = failure_of(error)
    if refined is None and told.status is not None:
        return Meaning(status=told.status)
    return meaning.model_copy(update={"failure": refined or told.failure or meaning.failure})


def unexplained(meaning: Meaning) -> Meaning:
    """The meaning of a status that nothing explains: no number is given up for it."""
    if meaning.failure is FailureClass.REJECTED:
        return meaning.model_copy(update={"failure": FailureClass.UNAVAILABLE})
    return meaning


def answered_by(word: str | None) -> AnsweredBy | None:
    return _MAPS["answered_by"].meaning_of(word).answered_by


def failure_of(code: str | None) -> FailureClass | None:
    """The class of an error code; None for one that says nothing more than the HTTP status."""
    return _MAPS["error_code"].meaning_of(code).failure
