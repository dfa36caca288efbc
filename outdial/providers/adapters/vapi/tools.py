"""Vapi's `tool-calls` messages (docs.vapi.ai/tools/custom-tools): several questions in one
message, each answered under its own id. They are proven genuine as its other messages are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from outdial.providers.adapters.vapi.webhook import our_id_of
from outdial.providers.errors import WebhookRefused
from outdial.providers.reports.payload import list_at, object_at, object_in, text_at, value_at
from outdial.providers.tools import Answer, ToolCall, ToolFormat, arguments_of, short

Verify = Callable[[Mapping[str, str], bytes, str, datetime], None]


class VapiTools(ToolFormat):
    def __init__(self, verify: Verify) -> None:
        self._verify = verify

    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: datetime) -> None:
        self._verify(headers, body, url, now)

    def read(self, body: bytes, tool: str | None) -> Sequence[ToolCall]:
        message = object_at(object_in(body), "message")
        if text_at(message, "type") != "tool-calls":
            raise WebhookRefused("the message is none of type tool-calls")
        call = object_at(message, "call")
        number, call_id = text_at(call, "id"), our_id_of(call) or our_id_of(message)
        return tuple(
            _tool_call(each, number, call_id)
            for each in list_at(message, "toolCallList")
            if isinstance(each, Mapping)
        )

    def answer(self, answers: Sequence[tuple[ToolCall, Answer]]) -> Any:
        """A result is a text of one line to Vapi."""
        return {
            "results": [
                {
                    "name": tool_call.tool,
                    "toolCallId": tool_call.id,
                    "result": str(answer.get("message", "")),
                }
                for tool_call, answer in answers
            ]
        }


def _tool_call(each: Mapping[str, Any], number: str | None, call_id: str | None) -> ToolCall:
    """The name and arguments stand in the tool call, or under `function` in it."""
    name = text_at(each, "name") or text_at(each, "function", "name")
    if name is None:
        raise WebhookRefused("a tool call has no name")
    given = next(
        (
            arguments
            for path in (("arguments",), ("parameters",), ("function", "arguments"))
            if (arguments := value_at(each, *path)) is not None
        ),
        None,
    )
    return ToolCall(
        id=short(text_at(each, "id")),
        tool=name,
        arguments=arguments_of(given),
        call_id=call_id,
        provider_call_id=number,
    )
