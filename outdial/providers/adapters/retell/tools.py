"""Retell's custom functions (docs.retellai.com/build/conversation-flow/custom-function): the
function's name, its arguments and the call. They are signed as its webhooks are; there is no id
of the question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from outdial.providers.errors import WebhookRefused
from outdial.providers.reports.payload import object_in, text_at, value_at
from outdial.providers.tools import Answer, ToolCall, ToolFormat, arguments_of

_OWN = frozenset({"name", "call", "args", "call_id"})

Verify = Callable[[Mapping[str, str], bytes, str, datetime], None]


class RetellTools(ToolFormat):
    def __init__(self, verify: Verify) -> None:
        self._verify = verify

    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: datetime) -> None:
        self._verify(headers, body, url, now)

    def read(self, body: bytes, tool: str | None) -> Sequence[ToolCall]:
        content = object_in(body)
        name = tool or text_at(content, "name")
        if name is None:
            raise WebhookRefused("the body has no name of a function")
        return (
            ToolCall(
                id=None,
                tool=name,
                arguments=_arguments(content, tool),
                call_id=text_at(content, "call", "metadata", "call_id"),
                provider_call_id=text_at(content, "call", "call_id") or text_at(content, "call_id"),
            ),
        )

    def answer(self, answers: Sequence[tuple[ToolCall, Answer]]) -> Any:
        return answers[0][1] if answers else {}


def _arguments(content: Mapping[str, Any], tool: str | None) -> Mapping[str, Any]:
    """Under `args`, or at the root for a function that is set to `args_at_root`.

    Such a function may send nothing but its arguments: the address has to name it then, and one
    of them has to be `call_id`, filled in by Retell's own variable of that name.
    """
    if "args" in content or tool is None:
        return arguments_of(value_at(content, "args"))
    return {key: value for key, value in content.items() if key not in _OWN}
