"""What the providers' own SDKs say and send; runs in their environment, which is not ours.

Reads one JSON object from standard input: where a recording server listens, the orders that our
adapters sent, what our adapters signed. Writes one: enumerations, models built with all fields and
with none that may be absent, what became of the orders and the signatures.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import enum
import json
import sys
import typing
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

PACKAGES = ("twilio", "vapi_server_sdk", "retell-sdk", "telnyx", "elevenlabs", "livekit-api")
DEEPEST = 7


def words(kind: Any) -> list[str]:
    """The values of a Literal, wherever it stands in an annotation."""
    if typing.get_origin(kind) is typing.Literal:
        return [value for value in typing.get_args(kind) if isinstance(value, str)]
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return [member.value for member in kind if isinstance(member.value, str)]
    return [word for part in typing.get_args(kind) for word in words(part)]


def field(model: Any, name: str) -> Any:
    return model.model_fields[name].annotation


def enumerations() -> dict[str, list[str]]:
    from elevenlabs.types.call_result import CallResult
    from elevenlabs.types.get_conversation_response_model_status import (
        GetConversationResponseModelStatus,
    )
    from elevenlabs.types.twilio_answered_by import TwilioAnsweredBy
    from livekit.protocol import models, sip
    from retell.types.phone_call_response import PhoneCallResponse
    from telnyx.types.call_conversation_start_failed_webhook_event import DataPayload
    from telnyx.types.call_hangup import Payload as Hangup
    from telnyx.types.call_machine_detection_ended import Payload as Detection
    from telnyx.types.call_machine_greeting_ended import Payload as Greeting
    from telnyx.types.call_machine_premium_detection_ended import Payload as Premium
    from telnyx.types.call_machine_premium_greeting_ended import Payload as PremiumGreeting
    from twilio.rest.api.v2010.account.call import CallInstance
    from vapi.types.call import Call

    amd = words(field(Detection, "result")) + words(field(Premium, "result"))
    greeting = words(field(Greeting, "result")) + words(field(PremiumGreeting, "result"))
    return {
        "elevenlabs call_result": words(CallResult),
        "elevenlabs conversation_status": words(GetConversationResponseModelStatus),
        "elevenlabs answered_by": words(TwilioAnsweredBy),
        "livekit disconnect_reason": list(models.DisconnectReason.keys()),
        "livekit sip_status_code": [str(code) for code in sip.SIPStatusCode.values()],
        "retell call_status": words(field(PhoneCallResponse, "call_status")),
        "retell disconnection_reason": words(field(PhoneCallResponse, "disconnection_reason")),
        "telnyx hangup_cause": words(field(Hangup, "hangup_cause")),
        "telnyx start_failed_reason": words(field(DataPayload, "reason")),
        "telnyx amd_result": amd,
        "telnyx greeting_result": greeting,
        "twilio call_status": [
            value for name, value in vars(CallInstance.Status).items() if name.isupper()
        ],
        "vapi status": words(field(Call, "status")),
        "vapi ended_reason": words(field(Call, "ended_reason")),
    }


def built(kind: Any, *, full: bool, depth: int = 0) -> Any:
    """A value of a type: a model with all its fields, or with the required ones alone."""
    if depth > DEEPEST or isinstance(kind, str | typing.ForwardRef | typing.TypeVar):
        return None
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return args[0]
    if origin is typing.Annotated:
        return built(args[0], full=full, depth=depth)
    if origin in (list, typing.List):  # noqa: UP006
        return [built(args[0], full=full, depth=depth + 1)] if args else []
    if origin in (dict, typing.Dict):  # noqa: UP006
        return {"key": built(args[1], full=full, depth=depth + 1)} if args else {}
    if args:  # a union, an optional among them
        return built(next(one for one in args if one is not type(None)), full=full, depth=depth)
    if hasattr(kind, "model_fields"):
        return _model(kind, full, depth)
    plain = {str: "text", int: 1, float: 1.5, bool: True, dt.datetime: "2027-03-01T15:30:00Z"}
    return plain.get(kind)


def _model(kind: Any, full: bool, depth: int) -> dict[str, Any]:
    values = {}
    for name, info in kind.model_fields.items():
        if not (full or info.is_required()):
            continue
        aliases = [one.alias for one in info.metadata if getattr(one, "alias", None)]
        value = built(info.annotation, full=full, depth=depth + 1)
        values[info.alias or (aliases[0] if aliases else name)] = value
    return values


def models() -> dict[str, dict[str, Any]]:
    import telnyx.types as telnyx_types
    from elevenlabs.types.get_conversation_response_model import GetConversationResponseModel
    from retell.types.phone_call_response import PhoneCallResponse
    from vapi.types.call import Call
    from vapi.types.server_message_end_of_call_report import ServerMessageEndOfCallReport
    from vapi.types.server_message_status_update import ServerMessageStatusUpdate

    kinds = {
        "elevenlabs conversation": GetConversationResponseModel,
        "retell call": PhoneCallResponse,
        "vapi call": Call,
        "vapi end-of-call-report": ServerMessageEndOfCallReport,
        "vapi status-update": ServerMessageStatusUpdate,
    }
    for name in sorted(dir(telnyx_types)):
        if name.startswith("Call") and name.endswith("WebhookEvent"):
            kinds[f"telnyx {name}"] = getattr(telnyx_types, name)
    return {
        name: {"full": built(kind, full=True), "bare": built(kind, full=False)}
        for name, kind in kinds.items()
    }


def unknown(model: Any, path: str = "") -> list[str]:
    """Fields that a model took along without knowing them."""
    paths = []
    if isinstance(model, list | tuple):
        return [one for each in model for one in unknown(each, path)]
    if not hasattr(model, "model_fields_set"):
        return []
    paths += [f"{path}.{name}" for name in model.model_extra or {}]
    for name in type(model).model_fields:
        paths += unknown(getattr(model, name), f"{path}.{name}")
    return paths


def snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


async def orders(base_url: str, given: dict[str, Any]) -> dict[str, Any]:
    """Send what our adapters sent, by the SDKs; the fields that they don't know."""
    results: dict[str, Any] = {}
    for name, send in SENDERS.items():
        try:
            results[name] = await send(f"{base_url}/{name}", given[name])
        except Exception as error:  # the server's answer need not please an SDK
            results[name] = {"error": f"{type(error).__name__}: {error}"[:300]}
    return results


async def _vapi(url: str, order: dict[str, Any]) -> Any:
    from vapi import AsyncVapi
    from vapi.core.unchecked_base_model import construct_type
    from vapi.types import AssistantOverrides, CreateCustomerDto

    # As it reads answers: some of its types are wider or narrower than what the API takes.
    overrides: Any = construct_type(type_=AssistantOverrides, object_=order["assistantOverrides"])
    customer: Any = construct_type(type_=CreateCustomerDto, object_=order["customer"])
    rest = {snake(k): v for k, v in order.items() if isinstance(v, str)}
    client = AsyncVapi(token="key", base_url=url)
    lost = unknown(overrides) + unknown(customer)
    try:
        await client.calls.create(**rest, customer=customer, assistant_overrides=overrides)
    except Exception as error:
        return {"unknown": lost, "error": str(error)[:300]}
    return {"unknown": lost}


async def _retell(url: str, order: dict[str, Any]) -> Any:
    from retell import AsyncRetell

    await AsyncRetell(api_key="key", base_url=url).call.create_phone_call(**order)


async def _telnyx(url: str, order: dict[str, Any]) -> Any:
    from telnyx import AsyncTelnyx

    named = {("from_" if name == "from" else name): value for name, value in order.items()}
    await AsyncTelnyx(api_key="key", base_url=url).calls.dial(**named)


async def _elevenlabs(url: str, order: dict[str, Any]) -> Any:
    from elevenlabs import AsyncElevenLabs
    from elevenlabs.types import (
        ConversationInitiationClientDataRequestInput,
        TelephonyCallConfigInput,
    )

    data = ConversationInitiationClientDataRequestInput.model_validate(
        order["conversation_initiation_client_data"]
    )
    config = TelephonyCallConfigInput.model_validate(order["telephony_call_config"])
    client = AsyncElevenLabs(api_key="key", base_url=url)
    plain = {name: value for name, value in order.items() if isinstance(value, str)}
    await client.conversational_ai.twilio.outbound_call(
        **plain, conversation_initiation_client_data=data, telephony_call_config=config
    )
    return {"unknown": unknown(data) + unknown(config)}


async def _twilio(url: str, order: list[list[str]]) -> Any:
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

    class Here(TwilioHttpClient):  # type: ignore[misc]  # no types in our environment
        def request(self, method: Any, uri: str, *args: Any, **kwargs: Any) -> Any:
            return super().request(
                method, uri.replace("https://api.twilio.com", url), *args, **kwargs
            )

    named: dict[str, Any] = {}
    for name, value in order:
        key = {"From": "from_"}.get(name, snake(name))
        named[key] = (
            [*named[key], value]
            if key in named and isinstance(named[key], list)
            else ([named[key], value] if key in named else value)
        )
    client = Client("key", "key", "AC1", http_client=Here())
    await asyncio.to_thread(client.calls.create, **named)


async def _livekit(url: str, order: dict[str, Any]) -> Any:
    from google.protobuf.json_format import MessageToDict, ParseDict
    from livekit import api

    request = ParseDict(order, api.CreateSIPParticipantRequest())
    async with api.LiveKitAPI(url, "key", "s" * 32) as client:
        try:
            await client.sip.create_sip_participant(request)
        except Exception as error:
            message = str(error)[:300]
        else:
            message = ""
    again = MessageToDict(request, preserving_proto_field_name=True)
    return {"read": again, "error": message}


SENDERS: dict[str, Callable[[str, Any], Awaitable[Any]]] = {
    "vapi": _vapi,
    "retell": _retell,
    "telnyx": _telnyx,
    "elevenlabs": _elevenlabs,
    "twilio": _twilio,
    "livekit": _livekit,
}


def signatures(given: dict[str, Any]) -> dict[str, Any]:
    """What the SDKs think of our signatures, and their own for the same."""
    from elevenlabs.client import ElevenLabs
    from livekit import api
    from retell.lib.webhook_auth import symmetric
    from twilio.request_validator import RequestValidator

    body, secret, form = given["body"], given["secret"], dict(given["form"])
    twilio = RequestValidator(secret)
    results: dict[str, Any] = {
        "retell": symmetric["verify"](body, secret, given["retell"], {"timestamp": given["ms"]}),
        "retell sign": symmetric["sign"](body, secret, given["ms"]),
    }
    for algorithm in ("HMAC_SHA1", "HMAC_SHA256"):
        results[f"twilio {algorithm}"] = twilio.compute_signature(given["url"], form, algorithm)
    client = ElevenLabs(api_key="key")
    event = client.webhooks.construct_event(body, given["elevenlabs"], secret)
    results["elevenlabs"] = event == json.loads(body)
    verifier = api.TokenVerifier("key", secret)
    results["livekit"] = verifier.verify(given["livekit"]).sip.call
    results["livekit sign"] = api.AccessToken("key", secret).with_sha256(given["sha256"]).to_jwt()
    return results


def main() -> None:
    given = json.load(sys.stdin)
    results = {
        "versions": {name: version(name) for name in PACKAGES},
        "enumerations": enumerations(),
        "models": models(),
        "orders": asyncio.run(orders(given["base_url"], given["orders"])),
        "signatures": signatures(given["signatures"]),
    }
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
