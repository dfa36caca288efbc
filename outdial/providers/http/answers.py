"""Turns a provider's HTTP response into content or an error, by its status and code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx

from outdial.domain.call.status import FailureClass
from outdial.providers.errors import (
    Blocked,
    Misconfigured,
    NotPlaced,
    PlacementUnknown,
    ProviderError,
    Refused,
    Rejected,
    Throttled,
    Unavailable,
)
from outdial.providers.reports.payload import parsed

_CODE = re.compile(r"(?!.*\d{7})[A-Za-z0-9][A-Za-z0-9_.: -]{0,59}")
"""What a code looks like; anything else may be a sentence about a person."""
_REFUSALS: Mapping[FailureClass, type[NotPlaced]] = {
    FailureClass.REJECTED: Rejected,
    FailureClass.REFUSED: Refused,
    FailureClass.BLOCKED: Blocked,
    FailureClass.MISCONFIGURED: Misconfigured,
    FailureClass.UNAVAILABLE: Unavailable,
}


def placement_error(
    response: httpx.Response,
    line: str,
    *,
    code: str | None = None,
    failure: FailureClass | None = None,
) -> ProviderError:
    """The error for a response to a create that names no call.

    `code` is the provider's own, `failure` what its documents say that code means; without them
    the status decides. Only what is certainly a refusal is a `NotPlaced`: a 5xx, a 408, a 3xx or
    an unreadable 2xx leaves open whether the call was made.
    """
    refusal = _refusal(response, line, code, failure)
    if refusal is not None:
        return refusal
    return PlacementUnknown(_sentence(line, response, code), code=_error_code(response, code))


def request_error(
    response: httpx.Response,
    line: str,
    *,
    code: str | None = None,
    failure: FailureClass | None = None,
) -> ProviderError:
    """The error for a failed response to a request that may be repeated."""
    refusal = _refusal(response, line, code, failure)
    return refusal or Unavailable(_sentence(line, response, code), code=_error_code(response, code))


def content_of(response: httpx.Response, line: str, *, code: str | None = None) -> dict[str, Any]:
    """The JSON object of an answer to a request that may be repeated.

    Raises what `request_error` says for an answer that is no success, Unavailable for one that
    can't be read.
    """
    if not response.is_success:
        raise request_error(response, line, code=code)
    content = json_of(response)
    if not isinstance(content, dict):
        raise unreadable(line)
    return content


def json_of(response: httpx.Response) -> Any:
    """The JSON of an answer; None when it is none."""
    try:
        return parsed(response.content)
    except ValueError:
        return None


def unreadable(line: str) -> Unavailable:
    """The error for a response whose body can't be read."""
    return Unavailable(f"line {line}: the provider gave an unreadable answer", code="unreadable")


def unsupported(line: str, what: str) -> Unavailable:
    """The error for what the provider does not offer; see its capabilities."""
    return Unavailable(f"line {line}: the provider can't {what}", code="unsupported")


def retry_after(response: httpx.Response) -> timedelta | None:
    """The seconds of a Retry-After header; None for none, a date or nonsense."""
    try:
        seconds = float(response.headers.get("retry-after", ""))
        return timedelta(seconds=seconds) if seconds >= 0 else None
    except (ValueError, OverflowError):
        return None


def refusal_of(
    failure: FailureClass,
    sentence: str,
    *,
    code: str | None = None,
    wait: timedelta | None = None,
) -> NotPlaced:
    """The error for a refusal of a known class. `wait` counts for a throttle only."""
    if failure is FailureClass.THROTTLED:
        return Throttled(sentence, code=code, retry_after=wait)
    return _REFUSALS.get(failure, Misconfigured)(sentence, code=code)


def _refusal(
    response: httpx.Response, line: str, code: str | None, failure: FailureClass | None
) -> NotPlaced | None:
    failure_class = failure if failure is not None else _by_status(response.status_code)
    if failure_class is None or failure_class is FailureClass.UNKNOWN:
        return None
    sentence, error_code = _sentence(line, response, code), _error_code(response, code)
    return refusal_of(failure_class, sentence, code=error_code, wait=retry_after(response))


def _by_status(status: int) -> FailureClass | None:
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return FailureClass.THROTTLED
    # An undocumented refusal takes the line out of service with its code, before it fails number
    # after number. A 408 is no refusal: the server may have received what it says it waited for.
    if 400 <= status < 500 and status != httpx.codes.REQUEST_TIMEOUT:
        return FailureClass.MISCONFIGURED
    return None


def _error_code(response: httpx.Response, code: str | None) -> str:
    """The provider's code, else the HTTP status."""
    return code if code is not None and _CODE.fullmatch(code) else str(response.status_code)


def _sentence(line: str, response: httpx.Response, code: str | None) -> str:
    status, error_code = str(response.status_code), _error_code(response, code)
    return f"line {line}: the provider answered {status}" + (
        "" if error_code == status else f" ({error_code})"
    )
