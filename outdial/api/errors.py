"""Errors of webhooks and of everything else that is no API, as JSON: `{"error", "message"}`.

`error` is the code of the error, and the status is that of `outdial.api.statuses`.
"""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from outdial.api.bodies import BodyTooLarge, BodyTooSlow
from outdial.api.statuses import status_of, text_of_error
from outdial.domain.errors import OutdialError
from outdial.domain.line.routing import UnknownLine
from outdial.providers.errors import WebhookRefused

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5
"""Providers send a webhook again by their own schedule; those that listen come back soon."""


def install_errors(app: FastAPI) -> None:
    """Answer every error that has a status here with its code and one sentence."""
    for kind in (OutdialError, BodyTooLarge, BodyTooSlow):  # these two are HTTPExceptions as well
        app.add_exception_handler(kind, _answer)


async def _answer(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OutdialError)
    status = status_of(error, "hooks")
    headers = {}
    if status == 503:
        headers["retry-after"] = str(RETRY_AFTER_SECONDS)
        log.error("%s: %s", type(error).__name__, error)
    elif isinstance(error, WebhookRefused):
        # Not the path: it may end with a secret.
        log.warning("webhook of line %s refused: %s", request.path_params.get("line"), error)
    return JSONResponse(
        {"error": error.code, "message": _text(error)}, status_code=status, headers=headers
    )


def _text(error: OutdialError) -> str:
    if isinstance(error, UnknownLine):  # whoever asks has no key, and learns of no other line
        return f"no line {error.name!r} is configured"
    if isinstance(error, BodyTooLarge | BodyTooSlow):
        return error.detail
    return text_of_error(error)
