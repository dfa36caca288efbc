"""ElevenLabs' server tools (elevenlabs.io/docs, webhook tools): the parameters that the tool's
schema names, flat, in a body of the operator's making. The tool is named in the address; the
conversation comes as the dynamic variable system__conversation_id, our id as call_id; the secret
is a header that the operator adds to the tool, since these requests are not signed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from outdial.providers.errors import WebhookRefused
from outdial.providers.reports.payload import object_in, storable, text_at
from outdial.providers.tools import GenericTools, ToolCall

_MOST_FIELDS = 200
_CONVERSATION = ("conversation_id", "system__conversation_id")


class ElevenLabsTools(GenericTools):
    def read(self, body: bytes, tool: str | None) -> Sequence[ToolCall]:
        if tool is None:
            raise WebhookRefused("the address names no tool; write /tools/<line>/<tool>")
        content = _content(body)
        conversation = next(
            (text for key in _CONVERSATION if (text := text_at(content, key))), None
        )
        own = {*_CONVERSATION, "call_id", "tool_call_id"}
        return (
            ToolCall(
                id=text_at(content, "tool_call_id"),
                tool=tool,
                arguments={key: value for key, value in content.items() if key not in own},
                call_id=text_at(content, "call_id"),
                provider_call_id=conversation,
            ),
        )


def _content(body: bytes) -> dict[str, Any]:
    """The parameters, as JSON or as a form: the tool's content_type may be either.

    Raises WebhookRefused when the body is neither.
    """
    if body.lstrip().startswith((b"{", b"[")):
        return object_in(body)
    try:
        fields = parse_qsl(
            body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=_MOST_FIELDS
        )
    except ValueError as exc:
        raise WebhookRefused("the body is neither a JSON object nor a form") from exc
    if not fields:
        raise WebhookRefused("the body is empty")
    return {storable(name): storable(value) for name, value in fields}
