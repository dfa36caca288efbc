"""Headers that a definition may add to a webhook's request.

The operator's own files may set any name but those that say how a request is framed and carried
from hop to hop, and those that the request writes itself. Definitions that come by key may set
those of a list: receivers trust more headers that say who is asking, and for whom, than a list of
forbidden ones could name.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OURS = frozenset(
    {
        # the message, and how it gets there (RFC 9110, RFC 9112)
        "host", "content-length", "content-type", "content-encoding", "transfer-encoding",
        "connection", "keep-alive", "te", "trailer", "upgrade", "expect", "http2-settings", "via",
        "max-forwards",
        # what this product says itself
        "idempotency-key", "webhook-id", "webhook-timestamp", "webhook-signature",
    }
)  # fmt: skip
_OUR_PREFIXES = ("proxy-", "x-outdial-")
_BY_KEY = frozenset(
    {
        # what kind of answer is liked, and by what software it is asked for
        "accept", "accept-charset", "accept-encoding", "accept-language", "content-language",
        "prefer", "user-agent",
        # the receiver's own key and version, as gateways name them
        "api-key", "api-version", "apikey", "x-api-key", "x-api-version",
        # what a request is traced by
        "traceparent", "tracestate", "x-correlation-id", "x-request-id",
    }
)  # fmt: skip
AUTHORIZATION = "authorization"


def header_problem(name: str, *, has_auth: bool = False) -> str | None:
    """Why no definition can set this header; None when the operator's own can."""
    lower = name.lower()
    if not _TOKEN.fullmatch(name):
        return f"found the header {name[:60]!r}, which is no name of one"
    if lower in _OURS or lower.startswith(_OUR_PREFIXES):
        return f"found the header {name}, which the request writes itself; leave it out"
    if lower == AUTHORIZATION and has_auth:
        return f"found the header {name} beside auth, which writes it; leave one of them out"
    return None


def keyed_header_problem(name: str, more: Collection[str] = ()) -> str | None:
    """Why a definition that comes by key can't set this header; None when it can. `more` are
    names, in lower case, that the settings allow besides."""
    problem = header_problem(name)
    if problem is not None:
        return problem
    lower = name.lower()
    if lower == AUTHORIZATION:
        return f"found the header {name}; name a secret of the settings with auth instead"
    if lower not in _BY_KEY and lower not in more:
        return (
            f"found the header {name}, which definitions sent by API may not set; they may set "
            f"{', '.join(sorted(_BY_KEY | set(more)))}, and others that callbacks.headers in the "
            "settings names"
        )
    return None
