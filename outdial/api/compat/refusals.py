"""What was refused, as a status and a sentence; each system writes them in its own envelope."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from itertools import islice

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from outdial.api.refused_fields import refused_fields
from outdial.providers.lines import UnknownLine
from outdial.providers.port import ProviderError, WebhookRefused
from outdial.services import errors as refused
from outdial.store.db import errors as stored

log = logging.getLogger(__name__)

Write = Callable[[Request, int, str, Mapping[str, str]], Response]
"""Writes an error as a system does: its status, a sentence for people, and headers."""

RETRY_AFTER_SECONDS = 5

_STATUS: dict[type[Exception], int] = {
    refused.KeyRefused: 401,
    refused.KeyDisabled: 403,
    refused.ScopeMissing: 403,
    refused.KeyOutranked: 403,
    refused.NotFound: 404,
    refused.Collision: 400,
    refused.PreconditionFailed: 409,
    refused.TooManyRequests: 429,
    refused.NotOffered: 501,
    refused.TemporalUnavailable: 503,
    refused.ServiceError: 400,
    stored.DatabaseUnavailable: 503,
    stored.StatementRefused: 400,
    UnknownLine: 400,
    WebhookRefused: 401,
    ProviderError: 502,
}


def install_refusals(app: FastAPI, write: Write) -> None:
    """Answer every error of this application in the system's own envelope."""

    async def told(request: Request, error: Exception) -> Response:
        status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
        headers = {}
        text = str(error)
        if isinstance(error, refused.TooManyRequests):
            headers["retry-after"] = str(error.retry_after)
            request.state.usages = (error.usage,)
        elif status >= 500:
            headers["retry-after"] = str(RETRY_AFTER_SECONDS)
            log.error("%s: %s", type(error).__name__, error)
        if isinstance(error, stored.DatabaseUnavailable):
            text = "the database does not answer; nothing was changed"
        elif isinstance(error, stored.StatementRefused):
            text = "found a value that can't be kept, such as a text with a NUL character"
        return write(request, status, text, headers)

    async def unreadable(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return write(request, 400, text_of(request, error), {})

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        text = error.detail
        if error.status_code == 404:
            text = f"there is nothing at {request.url.path}"
        return write(request, error.status_code, text, error.headers or {})

    async def defect(request: Request, error: Exception) -> Response:
        """A mistake of ours; the server logs it. Nothing of it is told."""
        return write(request, 500, HTTPStatus.INTERNAL_SERVER_ERROR.phrase, {})

    for kind in _STATUS:
        app.add_exception_handler(kind, told)
    app.add_exception_handler(RequestValidationError, unreadable)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, defect)


def text_of(request: Request, error: RequestValidationError) -> str:
    """One sentence about everything that could not be read, at most three things."""
    return "; ".join(
        f"{'.'.join(one.place[1:]) or one.place[0]}: {one.message}"
        for one in islice(refused_fields(request, error), 3)
    )
