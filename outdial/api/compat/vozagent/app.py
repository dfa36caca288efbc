"""VozAgent's API (docs.vozagent.ai/developers/api). Base URL: `<ours>/compat/vozagent/v1`."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError

from outdial.api.compat.refusals import install_refusals
from outdial.api.compat.vozagent import assistants, calls, contacts, webhooks
from outdial.api.compat.vozagent.errors import Refused, unreadable, write_error
from outdial.api.reference import add_reference

_REFUSED: dict[int | str, dict[str, Any]] = {
    status: {"model": Refused} for status in (400, 401, 403, 404, 429, 503)
}


def create_vozagent() -> FastAPI:
    app = FastAPI(
        title="VozAgent's API on Outdial",
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        responses=_REFUSED,
    )
    for part in (calls, contacts, assistants, webhooks):
        app.include_router(part.router)
    add_reference(app)
    install_refusals(app, write_error)
    app.add_exception_handler(RequestValidationError, unreadable)
    return app
