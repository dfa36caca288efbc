"""Finds values within agent settings that name another system, such as a URL or a transfer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_REACHING = frozenset(
    {
        "arn", "bucket", "callback", "credential", "destination", "endpoint", "forward", "function",
        "header", "host", "integration", "mcp", "proxy", "server", "sip", "tool", "transfer",
        "uri", "url", "webhook", "websocket",
    }
)  # fmt: skip
"""Words of names under which providers take an address, or something that acts in a call."""
_CHOOSING = frozenset({"action", "kind", "llm", "model", "provider", "type"})
"""Names under which one of several implementations is chosen."""
_ADDRESS = re.compile(r"\s*(?:[A-Za-z][A-Za-z0-9+.-]*:)?//")


def reaching(path: str, value: Any) -> Iterator[str]:
    """The places within a setting that could send a call or what is said in it somewhere else.

    A setting of one word or number has none: only what stands within it is looked at.
    """
    left: list[tuple[str, Any]] = [(path, value)]
    while left:
        at, content = left.pop()
        if isinstance(content, Mapping):
            for key, each in content.items():
                under = f"{at}.{key}"
                if _reaches(str(key), each):
                    yield under
                else:
                    left.append((under, each))
        elif isinstance(content, list | tuple):
            left += [(f"{at}[{index}]", each) for index, each in enumerate(content)]
        elif at != path and isinstance(content, str) and _ADDRESS.match(content):
            yield at


def _reaches(key: str, value: Any) -> bool:
    words = {word.lower() for word in _WORD.findall(key)}
    if words & _REACHING or {word.removesuffix("s") for word in words} & _REACHING:
        return True
    if key.lower() not in _CHOOSING or not isinstance(value, str):
        return False
    chosen = value.strip().lower()
    return chosen.startswith("custom") or "transfer" in chosen
