"""Errors as Voxanne's public source writes them: `{"error": …}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from outdial.api.admission import token_of
from outdial.services.errors import NotFound

_MISSING = {
    "recording": "No recording available for this call",
    "transcript": "No transcript available for this call",
}


class Refused(BaseModel):
    error: str
    message: str | None = None
    """With 429 only."""
    retryAfter: int | None = None
    """Seconds; with 429 only."""


def write_error(
    request: Request, status: int, text: str, headers: Mapping[str, str]
) -> JSONResponse:
    body: dict[str, Any] = {"error": text}
    if status == 401 and "/webhooks/" not in request.url.path:
        has_token = token_of(request) is not None
        missing = "Missing or invalid Authorization header"
        body = {"error": "Invalid or expired token" if has_token else missing}
    elif status == 429:
        body = {
            "error": "Too many requests",
            "message": "Rate limit exceeded. Please try again later.",
            "retryAfter": int(headers["retry-after"]),
        }
    return JSONResponse(body, status, headers=dict(headers))


async def write_not_found(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, NotFound)
    text = _MISSING.get(error.kind) or f"{error.kind.capitalize()} not found"
    return write_error(request, 404, text, {})
