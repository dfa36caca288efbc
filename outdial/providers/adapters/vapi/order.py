"""What we ask of Vapi to place a call, and what its answer says.

docs.vapi.ai/api-reference/calls/create; schema CreateCallDTO.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from outdial.domain.call.placing import PlaceRequest
from outdial.domain.call.status import FailureClass
from outdial.providers.adapters.vapi import webhook
from outdial.providers.adapters.vapi.webhook import SECRET_HEADER
from outdial.providers.carried import CallSettings, Carried, NotCarried, Span
from outdial.providers.orders import phone_number_id
from outdial.providers.port import LineConfig
from outdial.providers.reports.payload import list_at, object_at, text_at, value_at

CARRIED = Carried(
    where="the assistant at Vapi",
    ring_timeout=Span(most=timedelta(seconds=600)),
    max_duration=Span(least=timedelta(seconds=10), most=timedelta(hours=12)),
    reserved={
        "maxDurationSeconds": "max_duration of the campaign",
        "artifactPlan.recordingEnabled": "recording of the campaign",
        "metadata": "us alone, to know the call by",
        "server": "us alone, to hear of the call",
        "monitorPlan.controlEnabled": "us alone, to end the call",
    },
)
_TWILIO = "twilio"
_SIP = "vapi.sip"
_NEEDED_MESSAGES = ("status-update", "end-of-call-report", "tool-calls")
"""How a call goes and ends, and what agents ask: sent whatever the assistant leaves out."""
_LONGEST_RING = 600
_LONGEST_NAME = 40
"""Of `name` and `externalId`."""
_SHORTEST_CALL = timedelta(seconds=10)
_LONGEST_CALL = timedelta(hours=12)
_RESENT = {"type": "exponential", "maxRetries": 6, "baseDelaySeconds": 1}
"""Vapi sends a message once unless told otherwise."""


def order_of(request: PlaceRequest, line: LineConfig) -> dict[str, Any]:
    """The body of a create. Raises Misconfigured when there is no number to call from."""
    duration = min(max(request.max_duration, _SHORTEST_CALL), _LONGEST_CALL)
    settings = request.agent_settings
    overrides: dict[str, Any] = {
        **settings,
        "variableValues": {**object_at(settings, "variableValues"), **request.variables},
        "metadata": {"call_id": request.call_id, "attempt": request.attempt},
        "maxDurationSeconds": round(duration.total_seconds()),
        "artifactPlan": {
            **object_at(settings, "artifactPlan"),
            "recordingEnabled": bool(request.recording),
        },
        # Without it there is no way to end a call.
        "monitorPlan": {**object_at(settings, "monitorPlan"), "controlEnabled": True},
        "server": _server(request, line),
        "serverMessages": _messages(settings),
    }
    ring = min(round(request.ring_timeout.total_seconds()), _LONGEST_RING)
    transport = _transport(line)
    if transport == _TWILIO:
        overrides["transportConfigurations"] = _ringing(settings, ring)
    customer = {"number": request.to}
    if len(request.call_id) <= _LONGEST_NAME:
        customer["externalId"] = request.call_id
    order: dict[str, Any] = {
        "name": request.call_id[:_LONGEST_NAME],
        "assistantId": request.agent,
        "phoneNumberId": phone_number_id(line, request, "Vapi"),
        "customer": customer,
        "assistantOverrides": overrides,
    }
    if transport == _SIP:
        order["transport"] = {"provider": _SIP, "dialTimeout": ring}
    return order


def refused_by(line: LineConfig, requested: CallSettings) -> Iterator[NotCarried]:
    """What Vapi can't do with the numbers of this line."""
    transport = _transport(line)
    if requested.ring_timeout is not None and transport not in (_TWILIO, _SIP):
        yield NotCarried(
            ("ring_timeout",),
            f"line {line.name} can't carry it: vapi lets a phone ring for so long by Twilio and "
            f"SIP alone, and the line's transport is {transport}; leave it out",
        )


def call_in(content: Any) -> dict[str, Any]:
    """The call in the answer to a create: an order for one customer may be answered as a batch."""
    results = list_at(content, "results")
    return object_at(results[0] if results else content)


def failure_in(http_status: int, content: Any) -> FailureClass | None:
    """Why no call was made, for a create that Vapi answered at all; None when it tells nothing.

    A 201 may hold a failure: a customer among the `errors` of a batch, or a call that the limit
    of concurrent calls blocked. A blocked call that has an id and goes on is none.
    """
    if http_status != 201:
        return webhook.failure_of(_message_in(content)) if http_status == 400 else None
    call = call_in(content)
    if text_at(call, "status") == webhook.ENDED:
        reason = webhook.ending_of(text_at(call, "endedReason"), started=False)
        return reason.failure if reason.failure is FailureClass.THROTTLED else None
    if text_at(call, "id") is not None:
        return None
    if value_at(content, "subscriptionLimits", "concurrencyBlocked") is True:
        return FailureClass.THROTTLED
    errors = list_at(content, "errors")
    if errors:
        # Only this customer was not called; in words nobody documented.
        return webhook.failure_of(text_at(errors[0], "error")) or FailureClass.UNAVAILABLE
    return None


def _message_in(content: Any) -> str | None:
    return text_at(content, "error") or text_at(content, "message")


def _transport(line: LineConfig) -> str:
    return text_at(line.options, "transport") or _TWILIO


def _messages(settings: Mapping[str, Any]) -> list[Any]:
    messages = list_at(settings, "serverMessages")
    return [*messages, *(name for name in _NEEDED_MESSAGES if name not in messages)]


def _ringing(settings: Mapping[str, Any], seconds: int) -> list[dict[str, Any]]:
    """The settings of Twilio as a transport, with how long it rings."""
    given = (object_at(one) for one in list_at(settings, "transportConfigurations"))
    own = next((one for one in given if one.get("provider") == _TWILIO), {})
    return [{**own, "provider": _TWILIO, "timeout": seconds}]


def _server(request: PlaceRequest, line: LineConfig) -> dict[str, Any]:
    server: dict[str, Any] = {"url": request.webhook_url, "backoffPlan": _RESENT}
    if credential := line.options.get("credential_id"):
        server["credentialId"] = credential
    elif secret := line.credentials.get("webhook_secret"):
        server["headers"] = {SECRET_HEADER: secret}
    return server
