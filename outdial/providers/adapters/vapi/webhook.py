"""Vapi's server messages and call objects as events.

docs.vapi.ai/server-url/events: `status-update` and `end-of-call-report`. They carry no event id,
so an event is known by its call and status. How they are proven genuine is what the line chose:
a secret in X-Vapi-Secret, or an HMAC credential (docs.vapi.ai/server-url/server-authentication).
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from outdial.domain.call.event import CallEvent, EventKind
from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.credentials import text_option
from outdial.providers.errors import WebhookRefused
from outdial.providers.port import WebhookReader
from outdial.providers.reports.analysis import disposition_in, redial_time_in
from outdial.providers.reports.instants import from_iso, from_milliseconds, from_unix
from outdial.providers.reports.payload import number_at, object_at, object_in, text_at, value_at
from outdial.providers.reports.sip import meaning_of_response
from outdial.providers.reports.status_map import Meaning, load_maps
from outdial.providers.signing import header_of, require_equal, require_recent, required_secret

TOLERANCE = timedelta(minutes=5)
SECRET_HEADER = "X-Vapi-Secret"

_UNEXPLAINED = "ended, without a reason yet"
_MILLISECONDS_FROM = 1e11
"""Seconds reach this in the year 5138; Vapi doesn't say in which unit its times are."""

_MAPS = load_maps(Path(__file__).with_name("status.json"))

ENDED = "ended"
_CANCELED_BY_US = "manually-canceled"
_SIP_RESPONSE = re.compile(r".*-outbound-sip-(?P<code>[4-6]\d\d)(?:-(?P<phrase>.*))?")
"""As Vapi names the final response of a carrier, such as `…-outbound-sip-403-forbidden`."""


def verify_secret(headers: Mapping[str, str], secret: str | None) -> None:
    """Raises WebhookRefused unless the message carries the line's secret."""
    require_equal(required_secret(secret), header_of(headers, SECRET_HEADER), SECRET_HEADER)


def verify_hmac(headers: Mapping[str, str], body: bytes, secret: str | None, now: datetime) -> None:
    """An HMAC credential as Vapi makes it unless told otherwise: SHA-256 in hex, of
    `timestamp.body`, in x-signature and x-timestamp.

    Raises WebhookRefused unless exactly this was signed within `TOLERANCE` of now.
    """
    key, timestamp = required_secret(secret), header_of(headers, "x-timestamp")
    signed = timestamp.encode() + b"." + body
    expected = hmac.digest(key.encode(), signed, hashlib.sha256).hex()
    require_equal(expected, header_of(headers, "x-signature"), "x-signature")
    require_recent(_instant(number_at({"at": timestamp}, "at")), now, TOLERANCE)


class VapiWebhooks(WebhookReader):
    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: datetime) -> None:
        secret = self.line.credentials.get("webhook_secret")
        if text_option(self.line, "credential_id") is None:
            verify_secret(headers, secret)
        else:
            verify_hmac(headers, body, secret, now)

    def read(self, body: bytes, url: str, received_at: datetime) -> Sequence[CallEvent]:
        """The events in a verified message; none for what is not about how a call goes.

        A timestamp is optional, and the documentation's own example has none.

        Raises WebhookRefused when the body is no message, or does not say of which call.
        """
        message = object_at(object_in(body), "message")
        kind, call = text_at(message, "type"), object_at(message, "call")
        if kind not in ("status-update", "end-of-call-report"):
            return ()
        number, call_id = text_at(call, "id"), our_id_of(call) or our_id_of(message)
        if number is None:
            raise WebhookRefused("message.call.id is missing or can't be read")
        at = _time_of(message, call) or received_at
        if kind == "end-of-call-report":
            return _ended(message, number, call_id, at)
        word = text_at(message, "status")
        if word == ENDED:
            reason = text_at(message, "endedReason")
            if reason is None:
                # The report that follows says why, and all else: this one must not pass for it.
                return (_event(number, call_id, at, Meaning(), _UNEXPLAINED),)
            started = text_at(call, "startedAt") is not None
            meaning = ending_of(reason, started=started)
            event = _event(number, call_id, at, meaning, reason or word)
            return (_answered_if(started, meaning, event),)
        return (_event(number, call_id, at, status_of(word), word or ""),) if word else ()


def read_call(call: Mapping[str, Any]) -> Sequence[CallEvent]:
    """The events in a call object, as the API shows it; empty when it can't be read."""
    number, word = text_at(call, "id"), text_at(call, "status")
    at = from_iso(text_at(call, "updatedAt")) or from_iso(text_at(call, "createdAt"))
    if number is None or at is None:
        return ()
    if word == ENDED:
        return _ended(call, number, our_id_of(call), at, otherwise=unexplained())
    # A call that was just made may be shown without a status.
    meaning = status_of(word) if word else Meaning(status=CallStatus.QUEUED)
    return (_event(number, our_id_of(call), at, meaning, word or "queued"),)


def our_id_of(call: Mapping[str, Any]) -> str | None:
    """Our call id, as we sent it along."""
    sent = text_at(call, "assistantOverrides", "metadata", "call_id")
    return sent or text_at(call, "customer", "externalId")


def _ended(
    report: Mapping[str, Any],
    number: str,
    call_id: str | None,
    at: datetime,
    *,
    otherwise: Meaning | None = None,
) -> Sequence[CallEvent]:
    """The end, and what is known of the talk: the same in a report and in a call object."""
    reason = text_at(report, "endedReason")
    started, over = (from_iso(text_at(report, name)) for name in ("startedAt", "endedAt"))
    meaning = ending_of(reason, started=started is not None)
    if reason is None and otherwise is not None:
        meaning = otherwise
    end = _event(number, call_id, over or at, meaning, reason or ENDED)
    if started is not None and over is not None:
        seconds = max(0.0, (over - started).total_seconds())
        end = end.model_copy(update={"duration_seconds": seconds})
    end = _answered_if(started is not None, meaning, end)
    artifact, analysis = object_at(report, "artifact"), object_at(report, "analysis")
    cost, structured = number_at(report, "cost"), _structured(analysis, artifact)
    # A call object shows what there is so far; only with an analysis is it all there.
    if otherwise is not None and not analysis and not structured:
        return (end,)
    analysed = CallEvent(
        event_id=f"{number}:analysis",
        kind=EventKind.ANALYSIS,
        call_id=call_id,
        provider_call_id=number,
        at=at,
        disposition=disposition_in(structured),
        redial_at=redial_time_in(structured),
        transcript=text_at(artifact, "transcript"),
        recording_url=text_at(artifact, "recordingUrl"),
        cost=cost,
        structured=structured,
    )
    return (end, analysed)


def _answered_if(started: bool, meaning: Meaning, end: CallEvent) -> CallEvent:
    """A call that was started had been answered, unless its reason denies it."""
    answered = True if started and meaning.answered is not False else None
    return end.model_copy(update={"answered": answered}).by_facts()


def _structured(analysis: Mapping[str, Any], artifact: Mapping[str, Any]) -> dict[str, Any]:
    """What was extracted from the talk: structured outputs by name, an object's own fields too.

    `structuredData` of the analysis is the older way of it, and counts where both name a field.
    """
    structured: dict[str, Any] = {}
    for output in object_at(artifact, "structuredOutputs").values():
        name, result = text_at(output, "name"), value_at(output, "result")
        if isinstance(result, dict):
            structured |= result
        if name is not None and result is not None:
            structured[name] = result
    return structured | object_at(analysis, "structuredData")


def _event(
    number: str, call_id: str | None, at: datetime, meaning: Meaning, word: str
) -> CallEvent:
    status = meaning.status
    kind = ENDED if status is not None and status.terminal else status or word
    return CallEvent(
        event_id=f"{number}:{kind}",
        call_id=call_id,
        provider_call_id=number,
        status=status,
        at=at,
        failure=meaning.failure,
        answered_by=meaning.answered_by,
        detail=word,
    )


def _time_of(message: Mapping[str, Any], call: Mapping[str, Any]) -> datetime | None:
    """When a message is of, by its own timestamp, else by the call's end if it is about that."""
    sent = _instant(number_at(message, "timestamp")) or from_iso(text_at(message, "timestamp"))
    ended = from_iso(text_at(message, "endedAt")) or from_iso(text_at(call, "endedAt"))
    return sent or ended


def _instant(number: float | None) -> datetime | None:
    if number is None or not math.isfinite(number):
        return None
    return from_milliseconds(number) if number >= _MILLISECONDS_FROM else from_unix(number)


def status_of(word: str | None) -> Meaning:
    """A status; nothing for `ended`, whose meaning is in the reason."""
    return _MAPS["status"].meaning_of(word)


def ending_of(reason: str | None, *, started: bool) -> Meaning:
    """An endedReason. `started` is whether the call has a startedAt: it had been answered."""
    response = _SIP_RESPONSE.fullmatch(reason or "")
    if response is not None and reason not in _MAPS["ended_reason"].rows:
        return meaning_of_response(response["code"], response["phrase"])
    meaning = _MAPS["ended_reason"].meaning_of(reason)
    if reason == _CANCELED_BY_US and started:
        return Meaning(status=CallStatus.COMPLETED)
    return meaning


def unexplained() -> Meaning:
    """A call that ended for no reason given."""
    return _MAPS["ended_reason"].otherwise


def failure_of(message: str | None) -> FailureClass | None:
    """The class of an error that has nothing but a message; None for one nobody documented."""
    return _MAPS["message"].meaning_of(message).failure
