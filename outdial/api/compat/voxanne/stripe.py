"""Stripe's signatures (docs.stripe.com/webhooks, "Verify webhook signatures manually"): the header
`Stripe-Signature: t=<unix seconds>,v1=<hex>[,v1=<hex>]`, HMAC-SHA256 over `<t>.<body>` with the
endpoint's secret; several v1 while a secret is rolled."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from outdial.providers.errors import WebhookRefused
from outdial.providers.signing import require_recent

TOLERANCE = timedelta(minutes=5)
"""As Stripe's own libraries have it."""
_REFUSED = "Invalid signature"


def sign(secret: str, body: bytes, seconds: int) -> str:
    """The value of the header."""
    return f"t={seconds},v1={_digest(secret, body, str(seconds))}"


def require_signed(given: str, body: bytes, secret: str, now: datetime) -> None:
    """Raises WebhookRefused unless Stripe signed exactly this within `TOLERANCE` of now."""
    parts = [part.strip().partition("=")[::2] for part in given.split(",")]
    times = [value for name, value in parts if name == "t"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit() and len(times[0]) < 12):
        raise WebhookRefused(_REFUSED)
    expected = _digest(secret, body, times[0]).encode()
    signatures = [value.encode("utf-8", "replace") for name, value in parts if name == "v1"]
    if not any(hmac.compare_digest(expected, one) for one in signatures):
        raise WebhookRefused(_REFUSED)
    require_recent(datetime.fromtimestamp(int(times[0]), UTC), now, TOLERANCE)


def _digest(secret: str, body: bytes, seconds: str) -> str:
    signed = seconds.encode() + b"." + body
    return hmac.digest(secret.encode(), signed, hashlib.sha256).hex()
