"""Formats in which platforms send the tool calls of agents, and want them answered.

Every line has a format; the generic one is for platforms that let us say what they send.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from outdial.providers.errors import WebhookRefused
from outdial.providers.reports.payload import object_at, object_in, parsed, text_at
from outdial.providers.signing import header_of, require_equal, required_secret

SECRET_HEADER = "x-outdial-secret"
LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool call of an agent during a conversation."""

    id: str | None
    """The platform's own id; None when it gives none."""
    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    call_id: str | None = None
    """Our call, when the platform echoes it."""
    provider_call_id: str | None = None


Answer = Mapping[str, Any]


class ToolFormat(ABC):
    """One platform's format of tool calls."""

    @abstractmethod
    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: datetime) -> None:
        """Raises WebhookRefused unless the tool call comes from the line's own agent."""

    @abstractmethod
    def read(self, body: bytes, tool: str | None) -> Sequence[ToolCall]:
        """The tool calls; `tool` is the one named in the address. Raises WebhookRefused."""

    @abstractmethod
    def answer(self, answers: Sequence[tuple[ToolCall, Answer]]) -> Any:
        """The body of the response."""


class GenericTools(ToolFormat):
    """`{"tool": …, "tool_call_id": …, "call_id": …, "arguments": {…}}`, answered by the result.

    Arguments may also stand beside these keys, as platforms send them that know only a flat form.
    """

    _OWN = frozenset({"tool", "tool_call_id", "call_id", "conversation_id", "arguments"})

    def __init__(self, secret: str | None) -> None:
        self._secret = secret

    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: datetime) -> None:
        """The line's tool_secret, as a bearer token or in X-Outdial-Secret."""
        secret = required_secret(self._secret, "tool_secret")
        given = header_of(headers, SECRET_HEADER)
        if not given:
            kind, _, token = header_of(headers, "authorization").partition(" ")
            given = token.strip() if kind.lower() == "bearer" else ""
        require_equal(secret, given, "the tool secret")

    def read(self, body: bytes, tool: str | None) -> Sequence[ToolCall]:
        content = object_in(body)
        name = tool or text_at(content, "tool")
        if name is None:
            raise WebhookRefused("the body names no tool; write tool, or name it in the address")
        flat = {key: value for key, value in content.items() if key not in self._OWN}
        return (
            ToolCall(
                id=short(text_at(content, "tool_call_id")),
                tool=name,
                arguments={**flat, **object_at(content, "arguments")},
                call_id=text_at(content, "call_id"),
                provider_call_id=text_at(content, "conversation_id"),
            ),
        )

    def answer(self, answers: Sequence[tuple[ToolCall, Answer]]) -> Any:
        return answers[0][1] if answers else {}


def short(text: str | None) -> str | None:
    """An id as it is kept: a platform may send any."""
    if text is None or len(text) <= LONGEST_ID:
        return text
    return hashlib.sha256(text.encode()).hexdigest()


def arguments_of(value: object) -> Mapping[str, Any]:
    """Arguments as an object, or as the JSON text of one. Raises WebhookRefused."""
    if isinstance(value, str):
        try:
            value = parsed(value.encode("utf-8", "replace"))
        except ValueError:
            raise WebhookRefused("the arguments are no JSON") from None
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise WebhookRefused("the arguments are no object")
    return value
