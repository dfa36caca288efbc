"""Fields of a JSON body that may be absent or of another type than documented."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from providers.port import WebhookRefused


def parsed(body: bytes) -> Any:
    """The JSON in a body, with nothing in its texts that no database could keep.

    Raises ValueError when it is none.
    """
    try:
        content = json.loads(body)
        # NUL and half a surrogate pair can only be written as escapes.
        return _storable(content) if b"\\u" in body else content
    except RecursionError as exc:
        raise ValueError("nested too deeply") from exc


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
        return storable(content)
    if isinstance(content, list):
        return [_storable(one) for one in content]
    if isinstance(content, dict):
        return {storable(key): _storable(value) for key, value in content.items()}
    return content
