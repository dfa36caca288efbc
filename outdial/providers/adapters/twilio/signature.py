"""X-Twilio-Signature: HMAC-SHA1 over the URL and the sorted parameters, in base64.

A JSON body is signed by its SHA-256 in the URL's `bodySHA256` instead. There is no time in the
signature, so a replay is genuine: it is known by its event id. As `request_validator.py` of
twilio-python does it, and twilio.com/docs/usage/security.

An account may sign with a SharedKey instead of its auth token: X-Twilio-Webhooks-Signature-Settings
then says so, and names the algorithm, HMAC-SHA256.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from urllib.parse import urldefrag, urlsplit, urlunsplit

from outdial.providers.errors import WebhookRefused
from outdial.providers.reports.payload import form_in
from outdial.providers.signing import header_of, query_of, require_equal, required_secret

_BODY_HASH = "bodySHA256"
_SETTINGS = "x-twilio-webhooks-signature-settings"
_ALGORITHMS = {"HMAC_SHA1": hashlib.sha1, "HMAC_SHA256": hashlib.sha256}
_DEFAULT_PORTS = {"https": 443, "http": 80}


def sign(
    secret: str, url: str, form: list[tuple[str, str]], *, algorithm: str = "HMAC_SHA1"
) -> str:
    """The signature of a form sent to exactly this URL."""
    values: dict[str, set[str]] = {}
    for name, value in form:
        values.setdefault(name, set()).add(value)
    text = url + "".join(name + value for name in sorted(values) for value in sorted(values[name]))
    return base64.b64encode(
        hmac.digest(secret.encode(), text.encode(), _ALGORITHMS[algorithm])
    ).decode()


def verify(
    headers: Mapping[str, str],
    body: bytes,
    url: str,
    auth_token: str,
    shared_key: str | None = None,
) -> None:
    """Raises WebhookRefused unless Twilio signed exactly this for this URL."""
    given = header_of(headers, "x-twilio-signature")
    secret, algorithm = _signed_with(headers, auth_token, shared_key)
    form = [] if query_of(url, _BODY_HASH) else form_in(body)
    genuine = False
    for one in _spellings(url):
        expected = sign(secret, one, form, algorithm=algorithm)
        genuine |= hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))
    if not genuine:
        raise WebhookRefused("X-Twilio-Signature is missing or does not fit")
    if expected_hash := query_of(url, _BODY_HASH):
        require_equal(hashlib.sha256(body).hexdigest(), expected_hash.lower(), "bodySHA256")


def _signed_with(
    headers: Mapping[str, str], auth_token: str, shared_key: str | None
) -> tuple[str, str]:
    """The secret and the algorithm. Raises WebhookRefused when we don't have them."""
    settings = header_of(headers, _SETTINGS)
    if not settings:
        return auth_token, "HMAC_SHA1"
    parameters = dict(part.strip().partition("=")[::2] for part in settings.split(","))
    algorithm = parameters.get("algorithm", "HMAC_SHA1").strip().upper()
    if algorithm not in _ALGORITHMS:
        raise WebhookRefused("X-Twilio-Webhooks-Signature-Settings names an unknown algorithm")
    return required_secret(shared_key, "webhook_shared_key"), algorithm


def _spellings(url: str) -> Iterator[str]:
    """The URL with and without its port: Twilio is not consistent in which it signs."""
    parts = urlsplit(urldefrag(url).url)
    host = parts.hostname or ""
    port = _DEFAULT_PORTS.get(parts.scheme)
    yield urlunsplit(parts)
    yield urlunsplit(parts._replace(netloc=host))
    yield urlunsplit(parts._replace(netloc=f"{host}:{port}"))
