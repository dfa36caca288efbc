"""Headers that a definition may add to a webhook's request.

Any name may be used but those that say how a request is framed, where it goes, who sends it, or
what our own headers say; those are the sender's to write.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OURS = frozenset(
    {
        # the message, and where it goes (RFC 9110, RFC 9112)
        "host", "content-length", "content-type", "content-encoding", "transfer-encoding",
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "expect",
        "http2-settings", "via", "max-forwards",
        # who asks, and for whom, as servers behind a proxy believe it
        "forwarded", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip",
        "x-cluster-client-ip", "x-original-host", "x-original-url", "x-rewrite-url",
        "x-http-method", "x-http-method-override", "x-method-override", "cookie",
        # what this product says itself
        "idempotency-key", "webhook-id", "webhook-timestamp", "webhook-signature",
    }
)  # fmt: skip
_OUR_PREFIXES = ("x-forwarded-", "proxy-", "sec-", "x-outdial-")
AUTHORIZATION = "authorization"


def header_problem(name: str, *, has_auth: bool = False) -> str | None:
    """Why a definition can't set this header; None when it can."""
    lower = name.lower()
    if not _TOKEN.fullmatch(name):
        return f"found the header {name[:60]!r}, which is no name of one"
    if lower in _OURS or lower.startswith(_OUR_PREFIXES):
        return f"found the header {name}, which the request writes itself; leave it out"
    if lower == AUTHORIZATION and has_auth:
        return f"found the header {name} beside auth, which writes it; leave one of them out"
    return None
