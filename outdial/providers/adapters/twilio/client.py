"""The adapter to Twilio Programmable Voice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from outdial.domain.call.event import CallSnapshot
from outdial.domain.call.placing import PlaceRequest
from outdial.providers.adapters.twilio import webhook
from outdial.providers.adapters.twilio.webhook import TwilioWebhooks, failure_of
from outdial.providers.carried import CallSettings, Carried, NotCarried, Span
from outdial.providers.credentials import required_credential
from outdial.providers.errors import Unavailable, Unsendable
from outdial.providers.http.answers import (
    content_of,
    json_of,
    placement_error,
    request_error,
    unreadable,
)
from outdial.providers.http.provider import HttpProvider
from outdial.providers.orders import required_caller_id
from outdial.providers.port import Capabilities, LineConfig, Placed, WebhookReader
from outdial.providers.reports.instants import from_rfc2822
from outdial.providers.reports.payload import list_at, text_at, value_at
from outdial.providers.signing import CALL_ID, with_query

_AGENT = "https://"
_AGENT_RIGHT = "should be an https URL of TwiML, or have twiml set"
_NOT_IN_PROGRESS = "21220"
_PAGE = 100
_LONGEST_RING = timedelta(seconds=600)
_LONGEST_TALK = timedelta(hours=4)
_FIELDS = {
    name: "".join(part.capitalize() for part in name.split("_"))
    for name in (
        "method",
        "fallback_url",
        "fallback_method",
        "send_digits",
        "recording_channels",
        "recording_track",
        "recording_configuration_id",
        "trim",
        "machine_detection",
        "machine_detection_timeout",
        "machine_detection_speech_threshold",
        "machine_detection_speech_end_threshold",
        "machine_detection_silence_timeout",
        "call_reason",
        "call_token",
        "passports",
        "byoc",
    )
}
"""Settings that are fields of a call, and their names there. What is ours to write is none:
callbacks, times, recording; nor is who is dialed, and by whose SIP account."""
_CLOCKS_DIFFER = timedelta(seconds=10)
"""Twilio's times are whole seconds of its own clock."""


class TwilioProvider(HttpProvider):
    """A Twilio account.

    Credentials: `account_sid`, `auth_token` (twilio.com/docs/usage/requests-to-twilio), which
    also signs webhooks (twilio.com/docs/usage/security); optionally `api_key` and
    `api_key_secret` to ask the API with (twilio.com/docs/iam/api-keys), and `webhook_shared_key`,
    the SharedKey of an account that signs webhooks with one.

    The agent is the https URL of the TwiML to be carried out, to which the variables are added
    as its query, or any name with `twiml` in its settings. The other settings are fields of a
    call, with the names of twilio-python: `machine_detection` (`Enable` or `DetectMessageEnd`) and
    its times, `send_digits`, `trim`, `recording_channels`, `call_reason` and others of `_FIELDS`
    (twilio.com/docs/voice/api/call-resource).

    Twilio takes more calls than it dials and lets them wait in its own queue, 1 a second unless
    it raised that, so a line must not be faster than its account: such calls would ring long
    after we think.
    """

    default_url: ClassVar[str] = "https://api.twilio.com"
    name: ClassVar[str] = "twilio"
    reader: ClassVar[type[WebhookReader]] = TwilioWebhooks
    speech_settings: ClassVar[frozenset[str]] = frozenset({"machine_detection"})
    capabilities: ClassVar[Capabilities] = Capabilities(
        can_look_up=True,
        can_find=True,
        can_end=True,
        reports_ringing=True,
        sends_webhooks=True,
        sends_analysis=False,
        bounds_duration=True,
        idempotent_create=False,
        listing_lag=timedelta(seconds=30),
        echo="query of the status callback URL",
        calls_per_second=1.0,
    )
    carried: ClassVar[Carried] = Carried(
        where="Twilio",
        ring_timeout=Span(most=_LONGEST_RING),
        max_duration=Span(most=_LONGEST_TALK),
        settings=frozenset({"twiml", *_FIELDS}),
    )

    def __init__(self, line: LineConfig) -> None:
        account = required_credential(line, "account_sid")
        self._auth_token = required_credential(line, "auth_token")
        user, password = account, self._auth_token
        if line.credentials.get("api_key"):
            user = required_credential(line, "api_key")
            password = required_credential(line, "api_key_secret")
        self._calls = f"/2010-04-01/Accounts/{quote(account, safe='')}/Calls"
        super().__init__(line, auth=httpx.BasicAuth(user, password))

    def beyond_speech(self, agent_id: str | None, settings: Mapping[str, Any]) -> list[str]:
        """The agent's id is itself the address of what is carried out, `<Dial>` included."""
        url = agent_id is not None and ":" in agent_id
        return [*(["id"] if url else []), *super().beyond_speech(agent_id, settings)]

    async def place(self, request: PlaceRequest) -> Placed:
        form = self._form(request)
        response = await self._http.create("POST", f"{self._calls}.json", data=form)
        sid = text_at(json_of(response), "sid") if response.status_code == 201 else None
        if sid is None:
            code = _code_of(response)
            raise placement_error(response, self.line.name, code=code, failure=failure_of(code))
        return Placed(provider_call_id=sid)

    async def look_up(self, provider_call_id: str) -> CallSnapshot | None:
        response = await self._http.ask("GET", self._call(provider_call_id))
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        return self._snapshot(self._content(response))

    async def find(self, call_id: str, *, to: str, since: datetime) -> CallSnapshot | None:
        """The first call to this number since that instant: Twilio's lists don't show our id.

        No other call of ours to the number can be open at the time.
        """
        query = {"To": to, "PageSize": str(_PAGE)}
        response = await self._http.ask("GET", f"{self._calls}.json", params=query)
        listed = list_at(self._content(response), "calls")
        earliest = since - _CLOCKS_DIFFER
        made = [(from_rfc2822(text_at(call, "date_created")), call) for call in listed]
        fitting = [
            (at, call)
            for at, call in made
            if at is not None and at >= earliest and value_at(call, "direction") == "outbound-api"
        ]
        if fitting:
            return self._snapshot(min(fitting, key=lambda one: one[0])[1])
        if len(listed) == _PAGE and all(at is None or at >= earliest for at, _ in made):
            raise Unavailable(
                f"line {self.line.name}: too many calls to one number to find one", code="listing"
            )
        return None

    async def end(self, provider_call_id: str) -> None:
        form = {"Status": "completed"}
        response = await self._http.ask("POST", self._call(provider_call_id), data=form)
        over = response.status_code == httpx.codes.NOT_FOUND
        if not over and _code_of(response) != _NOT_IN_PROGRESS:
            self._content(response)

    async def check(self) -> str:
        response = await self._http.ask("GET", f"{self._calls}.json", params={"PageSize": "1"})
        self._content(response)
        return f"Twilio at {self._http.base_url}: account and token accepted"

    def _call(self, sid: str) -> str:
        return f"{self._calls}/{quote(sid, safe='')}.json"

    def _form(self, request: PlaceRequest) -> dict[str, Any]:
        callback = with_query(request.webhook_url, **{CALL_ID: request.call_id})
        form: dict[str, Any] = {
            "To": request.to,
            "From": required_caller_id(self.line, request, "Twilio"),
            "Timeout": str(round(request.ring_timeout.total_seconds())),
            "TimeLimit": str(round(request.max_duration.total_seconds())),
            "Record": "true" if request.recording else "false",
            "StatusCallback": callback,
            "StatusCallbackMethod": "POST",
            "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
            **_fields(request.agent_settings),
            **self._speech(request),
        }
        if request.agent_settings.get("machine_detection"):
            form |= {
                "AsyncAmd": "true",
                "AsyncAmdStatusCallback": callback,
                "AsyncAmdStatusCallbackMethod": "POST",
            }
        return form

    def refused(self, requested: CallSettings) -> Iterable[NotCarried]:
        yield from super().refused(requested)
        settings = requested.agent.settings
        if not settings.get("twiml") and not requested.agent.id.startswith(_AGENT):
            yield NotCarried(
                ("agent",),
                f"line {self.line.name} can't carry it: found {requested.agent.id!r}, which "
                f"{_AGENT_RIGHT}",
            )
        if requested.variables and settings.get("twiml"):
            yield NotCarried(
                ("variables", min(requested.variables)),
                f"line {self.line.name} can't carry them: twilio is handed twiml as it is "
                "written; name the URL of the TwiML as the agent, which gets them in its query",
            )
        for name in sorted(_FIELDS.keys() & settings.keys()):
            if not isinstance(settings[name], str | int | float):
                yield NotCarried(
                    ("agent", "settings", name),
                    f"found {type(settings[name]).__name__}; twilio takes a text or a number",
                )

    def _speech(self, request: PlaceRequest) -> dict[str, str]:
        if twiml := request.agent_settings.get("twiml"):
            return {"Twiml": str(twiml)}
        if not request.agent.startswith(_AGENT):
            raise Unsendable(f"line {self.line.name}: agent {_AGENT_RIGHT}", code="agent")
        return {"Url": with_query(request.agent, **request.variables)}

    def _content(self, response: httpx.Response) -> dict[str, Any]:
        if not response.is_success:
            code = _code_of(response)
            raise request_error(response, self.line.name, code=code, failure=failure_of(code))
        return content_of(response, self.line.name)

    def _snapshot(self, call: Mapping[str, Any]) -> CallSnapshot:
        events = tuple(webhook.read_resource(call, self.line.currency))
        if not events:
            raise unreadable(self.line.name)
        return CallSnapshot(provider_call_id=events[0].provider_call_id or "", events=events)


def _fields(settings: Mapping[str, Any]) -> dict[str, str]:
    """Settings as the form has them: a truth value in small letters."""
    return {
        field: str(value).lower() if isinstance(value, bool) else str(value)
        for name, field in _FIELDS.items()
        if (value := settings.get(name)) is not None
    }


def _code_of(response: httpx.Response) -> str | None:
    """Twilio's number for an error; None when the answer carries none."""
    code = value_at(json_of(response), "code")
    return str(code) if isinstance(code, int | str) and str(code) else None
