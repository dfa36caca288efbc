"""How the simulated network signs its webhooks: Standard Webhooks 1.0.0.

HMAC-SHA256 over `id.timestamp.body`, with a secret written `whsec_` and base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac


def key_of(secret: str) -> bytes:
    """The bytes behind a secret.

    Raises ValueError when it is not `whsec_` followed by base64.
    """
    prefix, _, encoded = secret.partition("_")
    if prefix != "whsec" or not encoded:
        raise ValueError("a webhook secret is 'whsec_' followed by base64")
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error as exc:
        raise ValueError("a webhook secret is 'whsec_' followed by base64") from exc


def sign(key: bytes, event_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature` for a body sent at a Unix second."""
    signed = b".".join((event_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
