"""What an answer or a broken exchange means, by status, code and type; never by text."""

from __future__ import annotations

from datetime import timedelta

import httpx

from outdial.providers.errors import (
    Misconfigured,
    NotPlaced,
    PlacementUnknown,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
)

NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""No connection: nothing left."""
NO_SUCH_PLACE = (httpx.UnsupportedProtocol, httpx.InvalidURL)
"""The line's base_url is not one."""

CALL_NOT_FOUND = "call_not_found"
_REJECTED = frozenset({"number_not_dialable", "number_invalid"})
_NOT_ACCEPTED = "not_accepted"


def code_of(response: httpx.Response) -> str | None:
    """The network's own code for an error; None when the answer carries none."""
    try:
        content = response.json()
    except ValueError:
        return None
    error = content.get("error") if isinstance(content, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else None


def placement_error(response: httpx.Response, line: str) -> NotPlaced | PlacementUnknown:
    """What an answer to a create that is not 201 means for the call."""
    refusal = _refusal(response, line)
    if refusal is not None:
        return refusal
    status = response.status_code
    # A 3xx or a 2xx we can't read is no refusal: the call may well have been made.
    return PlacementUnknown(_sentence(line, response), code=code_of(response) or str(status))


def request_error(response: httpx.Response, line: str) -> ProviderError:
    """What a failed answer to any other request means; such a request may be repeated."""
    code = code_of(response) or str(response.status_code)
    return _refusal(response, line) or Unavailable(_sentence(line, response), code=code)


def _refusal(response: httpx.Response, line: str) -> NotPlaced | None:
    status, word = response.status_code, code_of(response)
    code, sentence = word or str(status), _sentence(line, response)
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return Throttled(sentence, code=code, retry_after=_retry_after(response))
    if status == httpx.codes.SERVICE_UNAVAILABLE and word == _NOT_ACCEPTED:
        return Unavailable(sentence, code=code)
    if word in _REJECTED:
        return Rejected(sentence, code=code)
    # An undocumented refusal takes the line out of service with its code, before it fails number
    # after number. A 408 is no refusal: the server may have received what it says it waited for.
    if 400 <= status < 500 and status != httpx.codes.REQUEST_TIMEOUT:
        return Misconfigured(sentence, code=code)
    return None


def _retry_after(response: httpx.Response) -> timedelta | None:
    try:
        seconds = float(response.headers.get("retry-after", ""))
        return timedelta(seconds=seconds) if seconds >= 0 else None
    except (ValueError, OverflowError):  # a date, or nonsense
        return None


def _sentence(line: str, response: httpx.Response) -> str:
    code = code_of(response) or "no code"
    return f"line {line}: the simulated network answered {response.status_code} ({code})"
