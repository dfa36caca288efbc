"""One request to the API: how it is written, when it is sent again, and how its answer is read."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from outdial.client.errors import ApiError
from outdial.client.models.shared import Problem

_REPEATABLE = frozenset({"GET", "DELETE"})
"""Methods whose second request changes nothing more, but for operations that are `at_most_once`."""
_AWAY = frozenset({502, 503, 504})
_NOT_FOUND, _CONFLICT, _TOO_MANY = 404, 409, 429
USER_AGENT = "outdial-client/1"


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a request is sent, and how long the client waits between."""

    attempts: int = 4
    first_wait: float = 0.5
    """Seconds; doubled with each attempt, of which a random part is waited."""
    longest_wait: float = 60
    """Seconds. A longer Retry-After is not waited for."""


NO_RETRIES = Retries(attempts=1)


@dataclass(frozen=True)
class Request:
    """A request before it is sent. `path` has the names of its parameters in braces."""

    method: str
    path: str
    parameters: Mapping[str, str | int] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: BaseModel | Mapping[str, Any] | str | None = None
    text_type: str = "text/csv"
    """The media type of a body that is a text."""
    contacts: bytes | Path | None = None
    """A contact file, sent in a form beside the body."""
    idempotent: bool = False
    """Whether the operation takes an Idempotency-Key. Without one of the caller's, it gets a new
    one, so that it can be sent again."""
    idempotency_key: str | None = None
    if_match: str | int | None = None
    at_most_once: bool = False
    """Whether a second request may do more than the first, whatever its method is."""

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice does no more than sending it once."""
        return self.idempotent or (self.method in _REPEATABLE and not self.at_most_once)

    def headers(self) -> dict[str, str]:
        """Call it once: it makes the Idempotency-Key."""
        headers = {}
        if self.idempotent:
            headers["idempotency-key"] = self.idempotency_key or str(uuid.uuid4())
        if self.if_match is not None:
            tag = self.if_match
            headers["if-match"] = f'"{tag}"' if isinstance(tag, int) else tag
        return headers

    def url(self) -> str:
        named = {name: quote(str(value), safe="") for name, value in self.parameters.items()}
        return self.path.format(**named)

    def content(self) -> dict[str, Any]:
        """The body, as arguments of httpx. A file is opened anew each time."""
        body = self.body
        if self.contacts is not None:
            file = self.contacts
            contacts = file.open("rb") if isinstance(file, Path) else file
            definition = body if isinstance(body, str) else _json(body)
            parts = {
                "definition": (None, definition),
                "contacts": ("contacts.csv", contacts, "text/csv"),
            }
            return {"files": parts}
        if body is None:
            return {}
        if isinstance(body, str):
            return {"content": body.encode(), "headers": {"content-type": self.text_type}}
        return {"content": _json(body), "headers": {"content-type": "application/json"}}

    def build(
        self, http: httpx.Client | httpx.AsyncClient, headers: Mapping[str, str]
    ) -> httpx.Request:
        content = self.content()
        own = content.pop("headers", {})
        query = {name: texts for name, value in self.query.items() if (texts := _texts(value))}
        return http.build_request(
            self.method,
            self.url(),
            params=query,
            headers={**headers, **own},
            **content,
        )


def wait_before_next(
    request: Request, retries: Retries, attempt: int, outcome: httpx.Response | httpx.TransportError
) -> float | None:
    """Seconds until the request is sent again; None if it is not."""
    if attempt >= retries.attempts:
        return None
    longest = retries.longest_wait
    usual = min(longest, retries.first_wait * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1)
    if may_have_arrived(outcome) and not request.repeatable:
        return None
    if isinstance(outcome, httpx.TransportError):
        return usual
    if outcome.status_code not in (_TOO_MANY, *_AWAY) and not _in_progress(request, outcome):
        return None
    stated = retry_after(outcome)
    if stated is None:
        return usual
    return max(stated, usual) if stated <= longest else None


def may_have_arrived(outcome: httpx.Response | httpx.TransportError) -> bool:
    """Whether a request without a final answer may have been carried out all the same."""
    if isinstance(outcome, httpx.TransportError):
        return not isinstance(outcome, httpx.ConnectError | httpx.ConnectTimeout)
    return outcome.status_code in _AWAY


def _in_progress(request: Request, response: httpx.Response) -> bool:
    """Whether the first request with this key is still carried out, and its answer is to come."""
    if not request.idempotent or response.status_code != _CONFLICT:
        return False
    problem = _problem_of(response)
    return problem is not None and problem.code == "request_in_progress"


def was_deleted(request: Request, response: httpx.Response) -> bool:
    """Whether what an earlier attempt was to delete is gone, as the API says, not a proxy."""
    if request.method != "DELETE" or response.status_code != _NOT_FOUND:
        return False
    problem = _problem_of(response)
    return problem is not None and problem.code == "not_found"


def retry_after(response: httpx.Response) -> float | None:
    """Seconds, as the Retry-After header says."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else None


def raise_refusal(response: httpx.Response) -> None:
    """Raise ApiError unless the request was carried out."""
    if response.is_success:
        return
    raise ApiError(response.status_code, _problem_of(response), retry_after(response))


def _problem_of(response: httpx.Response) -> Problem | None:
    try:
        return Problem.model_validate_json(response.content)
    except ValidationError:
        return None


def read_answer(response: httpx.Response, kinds: Mapping[int, Any]) -> Any:
    """The body, as the kind for its status. Raises ApiError."""
    raise_refusal(response)
    kind = kinds.get(response.status_code)
    if kind is None:
        raise ApiError(response.status_code, None, None)
    return _adapter(kind).validate_json(response.content)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _json(body: BaseModel | Mapping[str, Any] | None) -> bytes:
    if isinstance(body, BaseModel):
        return body.model_dump_json(by_alias=True, exclude_unset=True).encode()
    return _adapter(Any).dump_json(body)


def _texts(value: Any) -> list[str]:
    """A query parameter's value as texts; none for one that is left out."""
    if value is None:
        return []
    if isinstance(value, bool):
        return [str(value).lower()]
    if isinstance(value, datetime):
        return [value.isoformat()]
    if isinstance(value, list | tuple):
        return [text for each in value for text in _texts(each)]
    return [str(value)]
