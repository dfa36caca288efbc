"""Errors of webhooks and of everything else that is no API, as JSON: `{"error", "message"}`."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from outdial.api.bodies import BodyTooLarge, BodyTooSlow
from outdial.api.statuses import status_of
from outdial.domain.line.routing import UnknownLine
from outdial.providers.errors import WebhookRefused
from outdial.store.db.errors import DatabaseUnavailable

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5
"""Providers send a webhook again by their own schedule; those that listen come back soon."""


def install_errors(app: FastAPI) -> None:
    """Answer every error we know with a code and one sentence."""

    @app.exception_handler(UnknownLine)
    async def unknown_line(request: Request, error: UnknownLine) -> JSONResponse:
        return _answer(
            status_of(error, "hooks"), "unknown_line", f"no line {error.name!r} is configured"
        )

    @app.exception_handler(WebhookRefused)
    async def refused(request: Request, error: WebhookRefused) -> JSONResponse:
        # Not the path: it may end with a secret.
        log.warning("webhook of line %s refused: %s", request.path_params.get("line"), error)
        return _answer(status_of(error, "hooks"), "refused", str(error))

    @app.exception_handler(BodyTooLarge)
    @app.exception_handler(BodyTooSlow)
    async def body_refused(request: Request, error: BodyTooLarge | BodyTooSlow) -> JSONResponse:
        code = "too_large" if isinstance(error, BodyTooLarge) else "too_slow"
        return _answer(error.status_code, code, error.detail)

    @app.exception_handler(DatabaseUnavailable)
    async def database_down(request: Request, error: DatabaseUnavailable) -> JSONResponse:
        log.error("database unavailable: %s", error)
        return _answer(
            status_of(error, "hooks"),
            "database_unavailable",
            "nothing was stored; send it again",
            retry_after=RETRY_AFTER_SECONDS,
        )


def _answer(
    status: int, code: str, message: str, *, retry_after: int | None = None
) -> JSONResponse:
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return JSONResponse({"error": code, "message": message}, status_code=status, headers=headers)
