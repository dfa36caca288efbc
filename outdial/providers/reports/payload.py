"""Bodies of webhooks and answers, and their fields, which may be absent or of another type than
documented."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from outdial.domain.bounds import FROM_PROVIDER, LARGEST_INTEGER, require_size
from outdial.providers.errors import WebhookRefused

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_MOST_FIELDS = 1000
"""Of a form: a callback of Twilio passes on the parameters of the TwiML and the SIP headers, beside
its own 40."""
_BRACKETS = re.compile(rb"[][{}]")


def parsed(body: bytes) -> Any:
    """The JSON in a body, with nothing in it that no database could keep: what can't be stored is
    replaced, because a report that is refused would be lost.

    Raises ValueError when it is none, or nested more deeply than `FROM_PROVIDER` allows.
    """
    _require_shallow(body)
    content = json.loads(body, parse_constant=lambda _: None)
    require_size(content, FROM_PROVIDER)
    return _storable(content)


def _require_shallow(body: bytes) -> None:
    """Before it is parsed: how deep a parser may go differs between versions of Python."""
    depth = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub(b"", body)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > FROM_PROVIDER.depth:
            raise ValueError("nested too deeply")


def storable(text: str) -> str:
    """The text without NUL, and with a question mark for half a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def object_in(body: bytes) -> dict[str, Any]:
    """The JSON object of a webhook.

    Raises WebhookRefused when the body is none.
    """
    try:
        content = parsed(body)
    except ValueError as exc:
        raise WebhookRefused("the body is not JSON") from exc
    if not isinstance(content, dict):
        raise WebhookRefused("the body is not a JSON object")
    return content


def form_in(body: bytes) -> list[tuple[str, str]]:
    """The parameters of a form, in their order.

    Raises WebhookRefused when the body is none.
    """
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as exc:
        raise WebhookRefused("the body is not a form") from exc


def value_at(content: Any, *path: str) -> Any:
    """What stands under a path of keys; None when there is nothing."""
    for key in path:
        if not isinstance(content, Mapping):
            return None
        content = content.get(key)
    return content


def text_at(content: Any, *path: str) -> str | None:
    """Text that is not empty; None otherwise."""
    value = value_at(content, *path)
    return value if isinstance(value, str) and value else None


def number_at(content: Any, *path: str) -> float | None:
    """A finite number, also one written as text; None otherwise."""
    value = value_at(content, *path)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def object_at(content: Any, *path: str) -> dict[str, Any]:
    """An object; an empty one when there is none."""
    value = value_at(content, *path)
    return value if isinstance(value, dict) else {}


def list_at(content: Any, *path: str) -> list[Any]:
    """A list; an empty one when there is none."""
    value = value_at(content, *path)
    return value if isinstance(value, list) else []


def _storable(content: Any) -> Any:
    if isinstance(content, str):
        return content if content.isascii() and "\0" not in content else storable(content)
    if isinstance(content, list):
        return [_storable(one) for one in content]
    if isinstance(content, dict):
        return {storable(key): _storable(value) for key, value in content.items()}
    if isinstance(content, float) and not math.isfinite(content):
        return None
    if isinstance(content, int) and not -LARGEST_INTEGER <= content <= LARGEST_INTEGER:
        return str(content)
    return content
