"""The adapter to LiveKit SIP."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

import httpx

from outdial.domain.call.event import CallSnapshot
from outdial.domain.call.placing import PlaceRequest
from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.adapters.livekit import token, visitor, webhook
from outdial.providers.adapters.livekit.webhook import LiveKitWebhooks, answer_of, error_of
from outdial.providers.carried import Carried
from outdial.providers.credentials import required_credential, required_option
from outdial.providers.errors import Misconfigured, ProviderError, Unsendable
from outdial.providers.http.answers import content_of, json_of, placement_error, request_error
from outdial.providers.http.provider import HttpProvider
from outdial.providers.port import (
    Capabilities,
    LineConfig,
    Placed,
    WebhookReader,
    WebSession,
)
from outdial.providers.reports.clock import Clock, system_clock
from outdial.providers.reports.listed_calls import NEVER_PROVEN
from outdial.providers.reports.payload import list_at, text_at
from outdial.providers.reports.status_map import Meaning

_REQUEST_ID = "x-livekit-request-id"
"""By which LiveKit's own clients have a request known that arrives twice."""
_AFTER_RING = timedelta(seconds=2)
"""How much longer than the phone rings an answer may take, by LiveKit's own clients."""
_EMPTY_SECONDS = 60
"""How long a room stays open when nobody comes, or the callee has left."""
_TRUNK_REFUSALS = frozenset({"SIP 401", "SIP 402", "SIP 407"})


class LiveKitProvider(HttpProvider):
    """A LiveKit project, self-hosted or in the cloud. The line needs its base_url.

    Credentials: `api_key`, `api_secret` (docs.livekit.io/home/get-started/authentication), which
    sign requests and webhooks alike; the project's webhooks have to point to this line
    (docs.livekit.io/home/server/webhooks).

    Options: `sip_trunk_id` (docs.livekit.io/sip/trunk-outbound); `wait_until_answered`, to be
    told at once who was busy or did not answer: the line's request_timeout has to be longer than
    a phone rings then, and its placement_timeout longer than that.

    The agent is the agent_name of a worker (docs.livekit.io/agents/worker/agent-dispatch). It is
    sent to the room before anybody is dialed, with variables and settings as its metadata.

    A participant is forgotten when it leaves, so how a call ended is in webhooks alone.
    """

    default_url: ClassVar[str] = ""
    name: ClassVar[str] = "livekit"
    reader: ClassVar[type[WebhookReader]] = LiveKitWebhooks
    capabilities: ClassVar[Capabilities] = Capabilities(
        can_look_up=True,
        can_find=True,
        can_end=True,
        reports_ringing=True,
        sends_webhooks=True,
        sends_analysis=False,
        bounds_duration=True,
        idempotent_create=False,
        # Only who is in the room is known, so one who is not may have left.
        listing_lag=NEVER_PROVEN,
        echo="room.name, participant.attributes",
        concurrent_calls=100,
    )
    carried: ClassVar[Carried] = Carried(
        where="the worker at LiveKit, which starts egress itself", recording_on=False
    )

    def __init__(self, line: LineConfig, *, clock: Clock = system_clock) -> None:
        # Each request carries a token of its own, minted for what it asks.
        super().__init__(line, auth=httpx.Auth(), clock=clock)
        self._key = required_credential(line, "api_key")
        self._secret = required_credential(line, "api_secret")
        self._trunk_id = required_option(line, "sip_trunk_id")
        self._waits = line.options.get("wait_until_answered") is True

    def beyond_speech(self, agent_id: str | None, settings: Mapping[str, Any]) -> list[str]:
        """Handed to the worker as they are, which is the operator's own program."""
        return []

    async def place(self, request: PlaceRequest) -> Placed:
        self._check_patience(request)
        room = webhook.room_of(request.call_id)
        await self._rooms("CreateRoom", self._room(room, request), {"roomCreate": True})
        headers = self._headers({"sip": {"call": True}}) | {_REQUEST_ID: request.call_id}
        path = "/twirp/livekit.SIP/CreateSIPParticipant"
        order = self._order(room, request)
        response = await self._http.create("POST", path, json=order, headers=headers)
        if response.is_success and text_at(json_of(response), "participant_identity"):
            return Placed(provider_call_id=room)
        return await self._not_answered(room, request, response)

    async def look_up(self, provider_call_id: str) -> CallSnapshot | None:
        who = {"room": provider_call_id, "identity": webhook.CALLEE}
        grant = {"roomAdmin": True, "room": provider_call_id}
        response = await self._ask("GetParticipant", who, {"video": grant})
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        participant = self._content(response)
        events = webhook.read_participant(provider_call_id, participant, self._clock())
        return CallSnapshot(provider_call_id=provider_call_id, events=tuple(events))

    async def find(self, call_id: str, *, to: str, since: datetime) -> CallSnapshot | None:
        return await self.look_up(webhook.room_of(call_id))

    async def end(self, provider_call_id: str) -> None:
        response = await self._ask(
            "DeleteRoom", {"room": provider_call_id}, {"video": {"roomCreate": True}}
        )
        if response.status_code != httpx.codes.NOT_FOUND:
            self._content(response)

    async def check(self) -> str:
        response = await self._http.ask(
            "POST",
            "/twirp/livekit.SIP/ListSIPOutboundTrunk",
            json={"trunk_ids": [self._trunk_id]},
            headers=self._headers({"sip": {"admin": True}}),
        )
        if not any(list_at(self._content(response), "items")):
            raise Misconfigured(
                f"line {self.line.name}: options.sip_trunk_id is none of this project's "
                "outbound trunks",
                code="sip_trunk_id",
            )
        return f"LiveKit at {self._http.base_url}: key and trunk accepted"

    def admit_visitor(
        self, session_id: str, agent: str, context: Mapping[str, Any], now: datetime
    ) -> WebSession | None:
        claims = visitor.claims_of(session_id, agent, context)
        return WebSession(
            url=visitor.websocket_url(self._http.base_url),
            token=token.mint(self._key, self._secret, claims, now, life=visitor.LIFE),
            room=visitor.room_of(session_id),
        )

    async def _not_answered(
        self, room: str, request: PlaceRequest, response: httpx.Response
    ) -> Placed:
        """A dial that failed: a busy person has the HTTP status of a rate limit.

        Raises what the answer means when nobody's phone rang.
        """
        code, meaning = _meaning_in(response)
        if meaning.status is not None and _was_dialed(code, meaning):
            event = webhook.read_answer(room, request.call_id, meaning, code, self._clock())
            await self._leave(room)
            return Placed(provider_call_id=room, events=(event,))
        error = placement_error(response, self.line.name, code=code, failure=meaning.failure)
        if error.failure is not FailureClass.UNKNOWN:
            await self._leave(room)
        raise error

    async def _leave(self, room: str) -> None:
        """Send the agent home that was called into the room; it empties by itself otherwise."""
        with contextlib.suppress(ProviderError):
            await self.end(room)

    async def _rooms(self, method: str, body: Mapping[str, Any], grant: Mapping[str, Any]) -> None:
        self._content(await self._ask(method, body, {"video": grant}))

    async def _ask(
        self, method: str, body: Mapping[str, Any], grants: Mapping[str, Any]
    ) -> httpx.Response:
        path = f"/twirp/livekit.RoomService/{method}"
        return await self._http.ask("POST", path, json=body, headers=self._headers(grants))

    def _headers(self, grants: Mapping[str, Any]) -> dict[str, str]:
        minted = token.mint(self._key, self._secret, grants, self._clock())
        return {"authorization": f"Bearer {minted}"}

    def _content(self, response: httpx.Response) -> dict[str, Any]:
        if not response.is_success:
            code = text_at(json_of(response), "code")
            failure = error_of(code).failure
            raise request_error(response, self.line.name, code=code, failure=failure)
        return content_of(response, self.line.name)

    def _check_patience(self, request: PlaceRequest) -> None:
        needed = request.ring_timeout + _AFTER_RING
        if self._waits and self.line.request_timeout < needed:
            raise Unsendable(
                f"line {self.line.name}: request_timeout is {self.line.request_timeout}, and "
                f"should be at least {needed} to wait until somebody answers",
                code="request_timeout",
            )

    def _room(self, room: str, request: PlaceRequest) -> dict[str, Any]:
        metadata = {
            "call_id": request.call_id,
            "attempt": request.attempt,
            "variables": request.variables,
            "settings": request.agent_settings,
            "recording": request.recording,
        }
        agent = {"agent_name": request.agent, "metadata": json.dumps(metadata)}
        return {
            "name": room,
            "agents": [agent],
            "empty_timeout": _EMPTY_SECONDS,
            "departure_timeout": _EMPTY_SECONDS,
        }

    def _order(self, room: str, request: PlaceRequest) -> dict[str, Any]:
        order: dict[str, Any] = {
            "sip_trunk_id": self._trunk_id,
            "sip_call_to": request.to,
            "room_name": room,
            "participant_identity": webhook.CALLEE,
            "participant_attributes": {webhook.CALL_ID: request.call_id},
            "ringing_timeout": _duration(request.ring_timeout),
            "max_call_duration": _duration(request.max_duration),
            "wait_until_answered": self._waits,
        }
        if request.caller_id is not None:
            order["sip_number"] = request.caller_id
        return order


def _was_dialed(code: str, meaning: Meaning) -> bool:
    """Whether somebody's telephone may have rung before a SIP response with this meaning.

    Whatever it says, the number was dialed; unless the trunk asked us for credentials or money,
    or there is no such number.
    """
    tells_nothing = (FailureClass.REJECTED, FailureClass.UNKNOWN)
    nobody = meaning.failure in tells_nothing or code in _TRUNK_REFUSALS
    return meaning.status is not CallStatus.FAILED or not (nobody or not code.startswith("SIP "))


def _meaning_in(response: httpx.Response) -> tuple[str, Meaning]:
    """The code of a failed dial and what it means: the SIP response's before LiveKit's own."""
    error = json_of(response)
    sip = text_at(error, "meta", "sip_status_code")
    code = text_at(error, "code")
    if sip is not None and response.is_error:
        phrase = text_at(error, "meta", "sip_status")
        return f"SIP {sip}", answer_of(sip, phrase)
    if code is not None and response.is_client_error:
        return code, error_of(code)
    return code or str(response.status_code), Meaning()


def _duration(duration: timedelta) -> str:
    """As protobuf's JSON writes it."""
    return f"{round(duration.total_seconds())}s"
