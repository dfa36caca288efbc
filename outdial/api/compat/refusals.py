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
from outdial.api.statuses import status_of, text_of_error
from outdial.domain.errors import OutdialError
from outdial.services.errors import TooManyRequests

log = logging.getLogger(__name__)

Write = Callable[[Request, int, str, Mapping[str, str]], Response]
"""Writes an error as a system does: its status, a sentence for people, and headers."""

RETRY_AFTER_SECONDS = 5


def install_refusals(app: FastAPI, write: Write) -> None:
    """Answer every error of this application in the system's own envelope."""

    async def answer_refusal(request: Request, error: Exception) -> Response:
        assert isinstance(error, OutdialError)
        status = status_of(error, "compat")
        headers = {}
        if isinstance(error, TooManyRequests):
            headers["retry-after"] = str(error.retry_after)
            request.state.usages = (error.usage,)
        elif status >= 500 and error.code != "temporal_refused":
            headers["retry-after"] = str(RETRY_AFTER_SECONDS)
            log.error("%s: %s", type(error).__name__, error)
        return write(request, status, text_of_error(error), headers)

    async def unreadable(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return write(request, 400, text_of(request, error), {})

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        text = error.detail
        if error.status_code == 404:
            text = f"no such resource: {request.url.path}"
        return write(request, error.status_code, text, error.headers or {})

    async def defect(request: Request, error: Exception) -> Response:
        """A defect: logged by the server, no detail of it is returned."""
        return write(request, 500, HTTPStatus.INTERNAL_SERVER_ERROR.phrase, {})

    app.add_exception_handler(OutdialError, answer_refusal)
    app.add_exception_handler(RequestValidationError, unreadable)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, defect)


def text_of(request: Request, error: RequestValidationError) -> str:
    """One sentence about everything that could not be read, at most three things."""
    return "; ".join(
        f"{'.'.join(one.place[1:]) or one.place[0]}: {one.message}"
        for one in islice(refused_fields(request, error), 3)
    )
