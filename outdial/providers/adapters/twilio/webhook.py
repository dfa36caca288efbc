"""Twilio's status callbacks and call resources as events.

Callbacks: twilio.com/docs/voice/api/call-resource#statuscallback. They arrive out of order and
carry no id, so an event is known by its call and status; our call id comes back in the query of
the URL alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from outdial.domain.call.event import CallEvent, EventKind
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.providers.adapters.twilio.signature import verify
from outdial.providers.credentials import required_credential
from outdial.providers.errors import WebhookRefused
from outdial.providers.port import WebhookReader
from outdial.providers.reports.instants import from_rfc2822
from outdial.providers.reports.payload import form_in, number_at, storable, text_at
from outdial.providers.reports.price import in_currency
from outdial.providers.reports.status_map import Meaning, load_maps
from outdial.providers.signing import CALL_ID, query_of

_MAPS = load_maps(Path(__file__).with_name("status.json"))


class TwilioWebhooks(WebhookReader):
    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: datetime) -> None:
        shared_key = self.line.credentials.get("webhook_shared_key")
        verify(headers, body, url, required_credential(self.line, "auth_token"), shared_key)

    def read(self, body: bytes, url: str, received_at: datetime) -> Sequence[CallEvent]:
        """The events of a verified callback, sent to `url`.

        Raises WebhookRefused for what is no callback about a call.
        """
        form = {name: storable(value) for name, value in form_in(body)}
        sid = form.get("CallSid")
        at = from_rfc2822(form.get("Timestamp")) or received_at
        if not sid:
            raise WebhookRefused("CallSid is missing")
        call_id = query_of(url, CALL_ID) or None
        event = CallEvent(event_id=sid, call_id=call_id, provider_call_id=sid, at=at)
        if "MachineDetectionDuration" in form:
            who = answered_by(form.get("AnsweredBy"))
            return (
                event.model_copy(update={"event_id": f"{sid}:answered_by", "answered_by": who}),
            )
        word, error, sip = (
            form.get(k) or None for k in ("CallStatus", "ErrorCode", "SipResponseCode")
        )
        if word is None:
            return ()
        meaning = status_of(word, error=error, sip=sip)
        facts = {
            "event_id": f"{sid}:{_kind(meaning.status, word)}",
            "status": meaning.status,
            "failure": meaning.failure,
            "answered_by": answered_by(form.get("AnsweredBy") or None),
            "detail": _detail(word, error, sip),
            "duration_seconds": number_at(form, "CallDuration"),
            "recording_url": form.get("RecordingUrl") or None,
        }
        return (event.model_copy(update=facts).by_facts(),)


def read_resource(call: Mapping[str, Any], currency: str | None = None) -> Sequence[CallEvent]:
    """The events in a call resource, as the API shows it; empty when it can't be read.

    The price is filled in some time after the end, and then an event of its own; one that is not in
    the line's `currency` is left out.
    """
    sid, word = text_at(call, "sid"), text_at(call, "status")
    instants = (from_rfc2822(text_at(call, name)) for name in _INSTANTS)
    at = next((instant for instant in instants if instant is not None), None)
    if sid is None or word is None or at is None:
        return ()
    # Why a call failed stands in the callback alone: its SIP response, or an error's number.
    meaning = unexplained(status_of(word))
    events = [
        CallEvent(
            event_id=f"{sid}:{_kind(meaning.status, word)}",
            provider_call_id=sid,
            status=meaning.status,
            at=at,
            failure=meaning.failure,
            answered_by=answered_by(text_at(call, "answered_by")),
            detail=word,
            duration_seconds=number_at(call, "duration"),
        ).by_facts()
    ]
    price = in_currency(number_at(call, "price"), currency, text_at(call, "price_unit"))
    if price is not None:
        events.append(
            CallEvent(
                event_id=f"{sid}:price",
                kind=EventKind.ANALYSIS,
                provider_call_id=sid,
                at=at,
                cost=abs(price),
            )
        )
    return tuple(events)


_INSTANTS = ("end_time", "date_updated", "start_time", "date_created")
"""When a resource came to be as it is, best first."""


def _kind(status: CallStatus | None, word: str) -> str:
    return word if status is None else status.value


def _detail(word: str, error: str | None, sip: str | None) -> str:
    codes = [f"error {error}"] if error else []
    codes += [f"SIP {sip}"] if sip else []
    return ", ".join([word, *codes])


def status_of(word: str | None, *, error: str | None = None, sip: str | None = None) -> Meaning:
    """A CallStatus; why a call failed is refined by an error code, else by the SIP response."""
    meaning = _MAPS["call_status"].meaning_of(word)
    if meaning.status is not CallStatus.FAILED:
        return meaning
    response = _MAPS["sip_code"].meaning_of(sip)
    if response.failure is FailureClass.REFUSED:
        return meaning.model_copy(update={"failure": response.failure})
    refined = failure_of(error)
    if refined is None and response.status is not None:
        return Meaning(status=response.status)
    return meaning.model_copy(update={"failure": refined or response.failure or meaning.failure})


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
