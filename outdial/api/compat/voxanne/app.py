"""Voxanne AI's API (voxanne.ai/api-reference); where that is silent, as its source has it."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from outdial.api.admission import RateHeaders
from outdial.api.compat.refusals import install_refusals
from outdial.api.compat.voxanne import (
    agents,
    appointments,
    calls,
    contacts,
    receiving,
    webhook_logs,
)
from outdial.api.compat.voxanne.auth import rate_headers
from outdial.api.compat.voxanne.errors import Refused, write_error, write_not_found
from outdial.api.reference import add_reference
from outdial.services.errors import NotFound

_REFUSED: dict[int | str, dict[str, Any]] = {
    status: {"model": Refused} for status in (400, 401, 403, 404, 409, 413, 429, 503)
}


def create_voxanne() -> FastAPI:
    app = FastAPI(
        title="Voxanne AI on Outdial",
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        responses=_REFUSED,
    )
    for part in (agents, appointments, calls, contacts, receiving, webhook_logs):
        app.include_router(part.router)
    app.add_middleware(RateHeaders, shown=rate_headers)
    add_reference(app)
    install_refusals(app, write_error)
    app.add_exception_handler(NotFound, write_not_found)
    return app
