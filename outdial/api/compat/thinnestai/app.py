"""thinnestAI's voice API (docs.thinnest.ai/docs/deploy/voice-api)."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from outdial.api.admission import RateHeaders
from outdial.api.compat.refusals import install_refusals
from outdial.api.compat.thinnestai import dialing, sessions
from outdial.api.compat.thinnestai.auth import rate_headers
from outdial.api.compat.thinnestai.errors import Refused, write_error
from outdial.api.reference import add_reference

_REFUSED: dict[int | str, dict[str, Any]] = {
    status: {"model": Refused} for status in (400, 401, 403, 404, 429, 501, 503)
}


def create_thinnestai() -> FastAPI:
    app = FastAPI(
        title="thinnestAI voice API on Outdial",
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        responses=_REFUSED,
    )
    app.include_router(dialing.router)
    app.include_router(sessions.router)
    app.add_middleware(RateHeaders, shown=rate_headers)
    add_reference(app)
    install_refusals(app, write_error)
    return app
